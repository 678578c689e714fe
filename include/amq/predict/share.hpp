// share: a Gaussian process on ln loss over each layer's share of an additive sum of effects.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <Eigen/Core>

#include "amq/concepts/predictor.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/error.hpp"
#include "amq/core/random.hpp"
#include "amq/predict/detail/share_features.hpp"
#include "amq/predict/detail/share_fit.hpp"
#include "amq/predict/detail/share_scales.hpp"
#include "amq/predict/prior_effects.hpp"

namespace amq {

struct share_options {
  bool interference = true;     ///< overlap terms; without them the model is additive inside a link
  index likelihood_rows = 260;  ///< rows that the scales are learnt from, at most
  int likelihood_steps = 70;    ///< evaluations of the likelihood; 0 keeps the scales
  share_scales scales{};
  std::uint64_t seed = 1;  ///< of the choice of those rows
};

/// Layer l at choice g contributes A(l, g) = a(l, g) exp(theta(l, g)) to a sum s, a from the sensitivities
/// (prior_effects). ln loss is a cubic link in ln s, plus first-order errors of the effects (each weighs by its layer's
/// share of s), plus interference of layers, whose covariance is the overlap of two configurations' shares and its
/// square. theta, link and interference are one Gaussian process, linearised about the current theta.
///
/// Models uncertain, additive and sampling predictors. A fit of n configurations costs O(n^3 / 3 + n^2 layers choices),
/// a prediction O(n layers), or O(n d) where it differs in d genes from its neighbour in the batch. What a fit gives is
/// a function of the data alone: the state is carried on from fits of the first 48 rows, of 1.25 x as many, and so on,
/// which are repeated where the data are new.
class share {
 public:
  using policy_category = predictor_category;

  explicit share(share_options options = {}) : options_(options) {}

  /// Throws precondition_error unless there is one finite loss for each row of genes (configurations, layers), and at
  /// least one. Losses that are not positive count as a billionth of the largest.
  template <search_space Space>
  void fit(Space const& space, matrix_view<gene const> genes, std::span<double const> losses) {
    expect_losses(genes, losses);
    std::vector<double> logs = logarithms(losses);
    auto const prior = prior_effects(space, genes, losses);
    detail::effect_table logged(prior.rows(), prior.cols());
    for (index l = 0; l < prior.rows(); ++l)
      for (index g = 0; g < prior.cols(); ++g)
        logged(l, g) = std::isfinite(prior(l, g)) ? std::log(prior(l, g)) : -std::numeric_limits<double>::infinity();
    auto places = detail::places_of(space);
    forget_unless_same(genes, logs, logged, places);
    genes_ = clone(genes);
    logs_ = std::move(logs);
    log_prior_ = std::move(logged);
    places_ = std::make_shared<detail::block_places const>(std::move(places));
    auto now = start();
    index learnt = 0;
    for (index rows = first_milestone, k = 0; rows <= genes.rows; rows += rows / 4, ++k) {
      if (k >= std::ssize(milestones_)) milestones_.push_back(learn(rows, now));
      now = milestones_[static_cast<std::size_t>(k)];
      learnt = rows;
    }
    if (learnt < genes.rows) now = updated(genes.rows, now);
    fit_ = linearised(genes.rows, now);
    fit_.solve(fit_.covariance(), now.scales);
    fit_.prepare_predictions();
  }

  /// out[i] is the predicted loss of row i. Throws precondition_error before the first fit.
  void predict(matrix_view<gene const> genes, std::span<double> out) const {
    expect_rows(genes, out);
    fit_.for_each_row(genes,
                      [&](index i, auto const& r) { out[static_cast<std::size_t>(i)] = std::exp(fit_.mean_of(r)); });
  }

  /// Of the loss: the variance of ln loss times the squared prediction. O(n^2) a row.
  void variance(matrix_view<gene const> genes, std::span<double> out) const {
    expect_rows(genes, out);
    fit_.for_each_row(genes, [&](index i, auto const& r) {
      double const loss = std::exp(fit_.mean_of(r));
      double const left = fit_.covariance_of(r, r) - fit_.explained(r).squaredNorm();
      out[static_cast<std::size_t>(i)] = loss * loss * std::max(0.0, left);
    });
  }

  /// One joint draw, in units of loss. O(m n^2 + m^2 layers + m^3) for m rows.
  void draw(matrix_view<gene const> genes, random_stream& random, std::span<double> out) const {
    expect_rows(genes, out);
    std::vector<detail::share_fit::row> rows;
    fit_.for_each_row(genes, [&](index, auto const& r) { rows.push_back(r); });
    auto const m = std::ssize(rows);
    if (m == 0) return;
    Eigen::MatrixXd explained(fit_.rows(), m), joint(m, m);
    for (index i = 0; i < m; ++i) explained.col(i) = fit_.explained(rows[static_cast<std::size_t>(i)]);
    for (index i = 0; i < m; ++i)
      for (index j = 0; j <= i; ++j)
        joint(i, j) = joint(j, i) =
            fit_.covariance_of(rows[static_cast<std::size_t>(i)], rows[static_cast<std::size_t>(j)]);
    joint.noalias() -= explained.transpose() * explained;
    joint.diagonal().array() += 1e-9;
    detail::jittered_factor const root(std::move(joint));
    Eigen::VectorXd z(m);
    for (index i = 0; i < m; ++i) z(i) = random.normal();
    Eigen::VectorXd const drawn = root.llt.matrixL() * z;
    for (index i = 0; i < m; ++i)
      out[static_cast<std::size_t>(i)] = std::exp(fit_.mean_of(rows[static_cast<std::size_t>(i)]) + drawn(i));
  }

  /// The effects A: (layers, most choices), infinite past a layer's choices.
  matrix<double> layer_costs() const {
    AMQ_EXPECTS(fitted(), "share::layer_costs needs a fit before it");
    return table_of(fit_.state().theta);
  }

  /// Effects with theta drawn from its posterior.
  matrix<double> draw_layer_costs(random_stream& random) const {
    AMQ_EXPECTS(fitted(), "share::draw_layer_costs needs a fit before it");
    return table_of(fit_.draw_theta(random));
  }

  /// What was added to the covariance's diagonal, relative to its mean, to factor it; 0 as a rule.
  double jitter() const { return fit_.jitter(); }
  share_scales const& scales() const { return fit_.state().scales; }

 private:
  static constexpr index first_milestone = 48;

  static void expect_losses(matrix_view<gene const> genes, std::span<double const> losses) {
    AMQ_EXPECTS(genes.rows >= 1 && genes.rows == std::ssize(losses),
                "share::fit needs one loss for each configuration and at least one; there are " +
                    std::to_string(genes.rows) + " configurations and " + std::to_string(losses.size()) + " losses");
    auto const bad = std::find_if_not(losses.begin(), losses.end(), [](double loss) { return std::isfinite(loss); });
    AMQ_EXPECTS(bad == losses.end(), "share::fit needs finite losses, and loss " +
                                         std::to_string(bad - losses.begin()) + " is " + std::to_string(*bad));
  }

  static std::vector<double> logarithms(std::span<double const> losses) {
    double const largest = *std::max_element(losses.begin(), losses.end());
    double const least = largest > 0 ? 1e-9 * largest : 1e-300;
    std::vector<double> logs;
    for (double const loss : losses) logs.push_back(std::log(std::max(loss, least)));
    return logs;
  }

  bool fitted() const { return fit_.rows() > 0; }

  void expect_rows(matrix_view<gene const> genes, std::span<double const> out) const {
    AMQ_EXPECTS(fitted(), "share predicts after a fit, and there was none");
    AMQ_EXPECTS(genes.rows == std::ssize(out), "share needs room for one number a configuration");
    AMQ_EXPECTS(genes.cols == log_prior_.rows(), "share was fitted to configurations of " +
                                                     std::to_string(log_prior_.rows()) + " layers, not " +
                                                     std::to_string(genes.cols));
  }

  void forget_unless_same(matrix_view<gene const> genes, std::vector<double> const& logs,
                          detail::effect_table const& prior, detail::block_places const& places) {
    bool same = places_ && *places_ == places && genes_.rows() <= genes.rows && genes_.cols() == genes.cols &&
                log_prior_.rows() == prior.rows() && log_prior_.cols() == prior.cols() && (log_prior_ == prior).all() &&
                std::equal(logs_.begin(), logs_.end(), logs.begin());
    for (index i = 0; same && i < genes_.rows(); ++i) same = std::ranges::equal(genes_.row(i), genes.row(i));
    if (!same) milestones_.clear();
  }

  matrix<double> table_of(detail::effect_table const& theta) const {
    matrix<double> effects(log_prior_.rows(), log_prior_.cols());
    for (index l = 0; l < effects.rows(); ++l)
      for (index g = 0; g < effects.cols(); ++g)
        effects(l, g) = std::isfinite(log_prior_(l, g)) ? std::exp(log_prior_(l, g) + theta(l, g))
                                                        : std::numeric_limits<double>::infinity();
    return effects;
  }

  detail::share_state start() const {
    return {detail::effect_table::Zero(log_prior_.rows(), log_prior_.cols()), detail::link_mean(), options_.scales};
  }

  detail::share_fit linearised(index rows, detail::share_state state) const {
    return {genes_.view().rows_from(0, rows),
            std::span(logs_).first(static_cast<std::size_t>(rows)),
            log_prior_,
            *places_,
            options_.interference,
            std::move(state)};
  }

  /// One linearised update of theta and link on the first rows.
  detail::share_state updated(index rows, detail::share_state const& from) const {
    auto fit = linearised(rows, from);
    fit.solve(fit.covariance(), from.scales);
    return fit.advanced();
  }

  /// Two updates on the first rows and, between them, the scales by marginal likelihood.
  detail::share_state learn(index rows, detail::share_state const& from) const {
    auto fit = linearised(rows, updated(rows, from));
    auto const k = fit.covariance();
    auto scales = from.scales;
    if (options_.likelihood_steps > 0) {
      random_stream random(options_.seed, static_cast<std::uint64_t>(rows));
      auto sample = random.permutation(rows);
      sample.resize(static_cast<std::size_t>(std::min(rows, options_.likelihood_rows)));
      std::sort(sample.begin(), sample.end());
      Eigen::VectorXd residual(std::ssize(sample));
      for (index i = 0; i < residual.size(); ++i) residual(i) = fit.residual()(sample[static_cast<std::size_t>(i)]);
      scales = detail::likeliest_scales(k.select(sample), residual, scales, options_.interference,
                                        options_.likelihood_steps);
    }
    fit.solve(k, scales);
    return fit.advanced();
  }

  share_options options_;
  matrix<gene> genes_;  // of the last fit
  std::vector<double> logs_;
  detail::effect_table log_prior_;                      // ln a: (layers, choices), -inf past a layer's choices
  std::shared_ptr<detail::block_places const> places_;  // shared with the fit that looks at them
  std::vector<detail::share_state> milestones_;
  detail::share_fit fit_;
};

}  // namespace amq
