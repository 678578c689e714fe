// share: a Gaussian process on ln loss over each layer's share of an additive sum of effects.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "amq/concepts/predictor.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/error.hpp"
#include "amq/core/random.hpp"
#include "amq/predict/detail/share_features.hpp"
#include "amq/predict/detail/share_overlaps.hpp"
#include "amq/predict/detail/share_posterior.hpp"
#include "amq/predict/detail/share_scales.hpp"
#include "amq/predict/prior_effects.hpp"

namespace amq {

struct share_options {
  bool interference = true;     ///< overlap terms; without them the model is additive inside a link
  index likelihood_rows = 260;  ///< rows that the scales are learnt from, at most
  int likelihood_steps = 70;    ///< evaluations of the likelihood; 0 keeps the scales
  detail::share_scales scales{};
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
    forget_unless_same(genes, logs, logged);
    places_ = detail::places_of(space);
    genes_ = clone(genes);
    logs_ = std::move(logs);
    log_prior_ = std::move(logged);
    index rows = first_milestone;
    std::size_t k = 0;
    for (; rows <= genes.rows; rows = next_milestone(rows), ++k)
      if (k >= milestones_.size()) milestones_.push_back(learn(rows, k == 0 ? start() : milestones_[k - 1]));
    state from = k == 0 ? start() : milestones_[k - 1];
    if (k == 0 || genes.rows <= first_milestone) from = update(genes.rows, from);
    finish(update(genes.rows, from));
  }

  /// out[i] is the predicted loss of row i. Throws precondition_error before the first fit.
  void predict(matrix_view<gene const> genes, std::span<double> out) const {
    AMQ_EXPECTS(genes.rows == std::ssize(out), "share::predict needs room for one loss a configuration");
    for_each_row(genes, [&](index i, row const& r) { out[static_cast<std::size_t>(i)] = std::exp(mean_of(r)); });
  }

  /// Of the loss: the variance of ln loss times the squared prediction. O(n^2) a row.
  void variance(matrix_view<gene const> genes, std::span<double> out) const {
    AMQ_EXPECTS(genes.rows == std::ssize(out), "share::variance needs room for one value a configuration");
    for_each_row(genes, [&](index i, row const& r) {
      Eigen::VectorXd const reduced = factor_->llt.matrixL().solve(covariances(r));
      double const loss = std::exp(mean_of(r));
      out[static_cast<std::size_t>(i)] = loss * loss * std::max(0.0, own_covariance(r, r) - reduced.squaredNorm());
    });
  }

  /// One joint draw, in units of loss. O(m n^2 + m^2 layers + m^3) for m rows.
  void draw(matrix_view<gene const> genes, random_stream& random, std::span<double> out) const {
    AMQ_EXPECTS(genes.rows == std::ssize(out), "share::draw needs room for one loss a configuration");
    std::vector<row> rows;
    for_each_row(genes, [&](index, row const& r) { rows.push_back(r); });
    auto const m = std::ssize(rows);
    Eigen::MatrixXd reduced(std::ssize(logs_), m), joint(m, m);
    for (index i = 0; i < m; ++i)
      reduced.col(i) = factor_->llt.matrixL().solve(covariances(rows[static_cast<std::size_t>(i)]));
    for (index i = 0; i < m; ++i)
      for (index j = 0; j <= i; ++j)
        joint(i, j) = joint(j, i) =
            own_covariance(rows[static_cast<std::size_t>(i)], rows[static_cast<std::size_t>(j)]);
    joint.noalias() -= reduced.transpose() * reduced;
    joint.diagonal().array() += 1e-9 + now_.scales.noise * now_.scales.noise * 1e-3;
    detail::jittered_factor const root(std::move(joint));
    Eigen::VectorXd z(m);
    for (index i = 0; i < m; ++i) z(i) = random.normal();
    Eigen::VectorXd const drawn = root.llt.matrixL() * z;
    for (index i = 0; i < m; ++i)
      out[static_cast<std::size_t>(i)] = std::exp(mean_of(rows[static_cast<std::size_t>(i)]) + drawn(i));
  }

  /// The effects A: (layers, most choices), infinite past a layer's choices.
  matrix<double> layer_costs() const {
    AMQ_EXPECTS(fitted(), "share::layer_costs needs a fit before it");
    return table_of(now_.theta);
  }

  /// Effects with theta drawn from its posterior (Matheron's rule): a draw of the prior, corrected by what it misses.
  matrix<double> draw_layer_costs(random_stream& random) const {
    AMQ_EXPECTS(fitted(), "share::draw_layer_costs needs a fit before it");
    auto const n = std::ssize(logs_);
    double const tau = now_.scales.effect;
    detail::effect_table w(log_prior_.rows(), log_prior_.cols());
    for (index i = 0; i < w.size(); ++i) w(i) = tau * random.normal();
    detail::link_vector const variances = detail::link_variances();
    detail::link_vector b;
    for (index i = 0; i < b.size(); ++i) b(i) = std::sqrt(variances(i)) * random.normal();
    double const rest = std::sqrt(now_.scales.noise * now_.scales.noise + now_.scales.pairs * now_.scales.pairs / 4);
    Eigen::VectorXd missed = residual_;
    for (index i = 0; i < n; ++i) missed(i) -= along(i, w) + features_.link.row(i).dot(b) + rest * random.normal();
    detail::effect_table theta = w + tau * tau * back(factor_->llt.solve(missed));
    return table_of(theta.max(-3.0).min(3.0));
  }

  /// What was added to the covariance's diagonal, relative to its mean, to factor it; 0 as a rule.
  double jitter() const { return factor_ ? factor_->jitter : 0; }
  detail::share_scales const& scales() const { return now_.scales; }

 private:
  static constexpr index first_milestone = 48;
  static index next_milestone(index rows) { return rows + rows / 4; }

  /// What is learnt besides alpha.
  struct state {
    detail::effect_table theta;  // logarithms of corrections to the effects
    detail::link_vector beta;
    detail::share_scales scales;
  };
  /// A configuration to predict.
  struct row {
    std::vector<gene> genes;
    detail::link_vector link;
    double slope = 1;
    std::vector<double> shares;
    detail::overlap_sums with_fit;
  };

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

  bool fitted() const { return factor_.has_value(); }
  index choices() const { return log_prior_.cols(); }

  void forget_unless_same(matrix_view<gene const> genes, std::vector<double> const& logs,
                          detail::effect_table const& prior) {
    bool same = genes_.rows() <= genes.rows && genes_.cols() == genes.cols && log_prior_.rows() == prior.rows() &&
                log_prior_.cols() == prior.cols() && (log_prior_ == prior).all() &&
                std::equal(logs_.begin(), logs_.end(), logs.begin());
    for (index i = 0; same && i < genes_.rows(); ++i) same = std::ranges::equal(genes_.row(i), genes.row(i));
    if (!same) milestones_.clear();
  }

  state start() const {
    return {detail::effect_table::Zero(log_prior_.rows(), log_prior_.cols()), detail::link_mean(), options_.scales};
  }

  matrix<double> table_of(detail::effect_table const& theta) const {
    matrix<double> effects(log_prior_.rows(), log_prior_.cols());
    for (index l = 0; l < effects.rows(); ++l)
      for (index g = 0; g < effects.cols(); ++g)
        effects(l, g) = std::isfinite(log_prior_(l, g)) ? std::exp(log_prior_(l, g) + theta(l, g))
                                                        : std::numeric_limits<double>::infinity();
    return effects;
  }

  // --- the fit -------------------------------------------------------------------------------------------------

  /// Features, covariance and residual of the first rows under a state; kept for predictions after the last one.
  void prepare(index rows, state const& from) {
    auto const genes = genes_.view().rows_from(0, rows);
    effects_ = (log_prior_ + from.theta).exp();
    detail::share_features plain(genes, log_prior_.exp(), places_, 0);
    centre_ = (plain.u.minCoeff() + plain.u.maxCoeff()) / 2;
    features_ = detail::share_features(genes, effects_, places_, centre_);
    slopes_.resize(rows);
    for (index i = 0; i < rows; ++i) slopes_(i) = detail::link_slope(from.beta, features_.u(i));
    mean_ = std::accumulate(logs_.begin(), logs_.begin() + rows, 0.0) / static_cast<double>(rows);
    residual_.resize(rows);
    for (index i = 0; i < rows; ++i)
      residual_(i) = logs_[static_cast<std::size_t>(i)] - mean_ - features_.link.row(i).dot(detail::link_mean()) +
                     along(i, from.theta);
  }

  detail::share_covariance covariance(index rows) const {
    return {genes_.view().rows_from(0, rows), features_, slopes_, places_, choices(), options_.interference};
  }

  /// J theta of one row of the fit, and J^T alpha.
  double along(index i, detail::effect_table const& theta) const {
    double sum = 0;
    for (index l = 0; l < theta.rows(); ++l) sum += features_.shares(i, l) * theta(l, genes_(i, l));
    return slopes_(i) * sum;
  }
  detail::effect_table back(Eigen::VectorXd const& alpha) const {
    detail::effect_table sums = detail::effect_table::Zero(log_prior_.rows(), log_prior_.cols());
    for (index i = 0; i < alpha.size(); ++i)
      for (index l = 0; l < sums.rows(); ++l) sums(l, genes_(i, l)) += alpha(i) * slopes_(i) * features_.shares(i, l);
    return sums;
  }
  detail::link_vector link_of(Eigen::VectorXd const& alpha) const {
    return (features_.link.transpose() * alpha).cwiseProduct(detail::link_variances());
  }

  void advance(state& s, Eigen::VectorXd const& alpha) const {
    s.theta = (s.scales.effect * s.scales.effect * back(alpha)).max(-3.0).min(3.0);
    s.beta = detail::link_mean() + link_of(alpha);
  }

  /// One linearised update of theta and link on the first rows.
  state update(index rows, state from) {
    prepare(rows, from);
    detail::jittered_factor const factor(covariance(rows).matrix(from.scales));
    advance(from, factor.llt.solve(residual_));
    return from;
  }

  /// The same, and the scales by marginal likelihood.
  state learn(index rows, state const& from) {
    state s = update(rows, from);
    prepare(rows, s);
    auto const k = covariance(rows);
    if (options_.likelihood_steps > 0) {
      random_stream random(options_.seed, static_cast<std::uint64_t>(rows));
      auto sample = random.permutation(rows);
      sample.resize(static_cast<std::size_t>(std::min(rows, options_.likelihood_rows)));
      std::sort(sample.begin(), sample.end());
      Eigen::VectorXd r(std::ssize(sample));
      for (index i = 0; i < r.size(); ++i) r(i) = residual_(sample[static_cast<std::size_t>(i)]);
      s.scales =
          detail::likeliest_scales(k.select(sample), r, s.scales, options_.interference, options_.likelihood_steps);
    }
    detail::jittered_factor const factor(k.matrix(s.scales));
    advance(s, factor.llt.solve(residual_));
    return s;
  }

  /// Keeps alpha and all that predictions need.
  void finish(state s) {
    auto const rows = std::ssize(logs_);
    now_ = std::move(s);
    prepare(rows, now_);
    factor_.emplace(covariance(rows).matrix(now_.scales));
    alpha_ = factor_->llt.solve(residual_);
    beta_ = detail::link_mean() + link_of(alpha_);
    correction_ = now_.scales.effect * now_.scales.effect * back(alpha_) - now_.theta;
    overlaps_ = detail::share_overlaps(genes_, features_, effects_, places_);
    first_order_ = (alpha_.cast<float>() * static_cast<float>(now_.scales.interference * now_.scales.interference));
    second_order_ = (alpha_.cast<float>() * static_cast<float>(now_.scales.pairs * now_.scales.pairs));
    local_order_ = (alpha_.cast<float>() * static_cast<float>(now_.scales.local * now_.scales.local));
  }

  // --- predictions ---------------------------------------------------------------------------------------------

  /// Calls visit(i, row) for each row.
  template <class Visit>
  void for_each_row(matrix_view<gene const> genes, Visit&& visit) const {
    AMQ_EXPECTS(fitted(), "share predicts after a fit");
    AMQ_EXPECTS(genes.cols == log_prior_.rows(), "share was fitted to configurations of " +
                                                     std::to_string(log_prior_.rows()) + " layers, not " +
                                                     std::to_string(genes.cols));
    row r;
    detail::share_overlaps::walker walk(overlaps_);
    for (index i = 0; i < genes.rows; ++i) {
      auto const now = genes.row(i);
      r.genes.assign(now.begin(), now.end());
      double sum = 0, m = 0, q = 0;
      r.shares.resize(r.genes.size());
      for (std::size_t l = 0; l < r.genes.size(); ++l) sum += r.shares[l] = effects_(static_cast<index>(l), r.genes[l]);
      for (std::size_t l = 0; l < r.genes.size(); ++l) {
        double const depth = places_.depth[l];
        r.shares[l] /= sum;
        m += r.shares[l] * depth;
        q += r.shares[l] * (depth * depth - 1.0 / 3);
      }
      double const u = std::log(sum) - centre_;
      r.link = detail::link_features(u, m, q);
      r.slope = detail::link_slope(now_.beta, u);
      if (options_.interference) {
        walk(r.genes, sum, r.with_fit);
      } else {
        r.with_fit.overlap.setZero(std::ssize(logs_));
        r.with_fit.local.setZero(std::ssize(logs_));
      }
      visit(i, r);
    }
  }

  double mean_of(row const& r) const {
    double first = 0;
    for (std::size_t l = 0; l < r.genes.size(); ++l)
      first += r.shares[l] * correction_(static_cast<index>(l), r.genes[l]);
    double value = mean_ + r.link.dot(beta_) + r.slope * first;
    if (options_.interference)
      value += static_cast<double>(
          (r.with_fit.overlap.array() * (first_order_.array() + r.with_fit.overlap.array() * second_order_.array()) +
           r.with_fit.local.array() * local_order_.array())
              .sum());
    return std::clamp(value, -690.0, 690.0);  // exp stays finite
  }

  /// With each configuration of the fit, noise left out.
  Eigen::VectorXd covariances(row const& r) const {
    auto const n = std::ssize(logs_);
    auto const& s = now_.scales;
    detail::link_vector const link = r.link.cwiseProduct(detail::link_variances());
    Eigen::VectorXd k(n);
    for (index i = 0; i < n; ++i) {
      double effects = 0;
      for (std::size_t l = 0; l < r.genes.size(); ++l)
        if (auto const layer = static_cast<index>(l); genes_(i, layer) == r.genes[l])
          effects += features_.shares(i, layer) * r.shares[l];
      double const o = static_cast<double>(r.with_fit.overlap(i));
      k(i) = features_.link.row(i).dot(link) + s.local * s.local * static_cast<double>(r.with_fit.local(i)) +
             s.effect * s.effect * r.slope * slopes_(i) * effects +
             o * (s.interference * s.interference + s.pairs * s.pairs * o);
    }
    return k;
  }

  double own_covariance(row const& a, row const& b) const {
    auto const& s = now_.scales;
    double effects = 0, o = 0, local = 0, before = 0;
    for (auto const& members : overlaps_.members()) {
      double block = 0;
      for (index const layer : members)
        if (auto const l = static_cast<std::size_t>(layer); a.genes[l] == b.genes[l]) {
          effects += a.shares[l] * b.shares[l];
          block += std::sqrt(a.shares[l] * b.shares[l]);
        }
      o += block;
      local += block * (block + before);
      before = block;
    }
    if (!options_.interference) o = local = 0;
    return a.link.cwiseProduct(detail::link_variances()).dot(b.link) +
           s.effect * s.effect * a.slope * b.slope * effects + s.local * s.local * local +
           o * (s.interference * s.interference + s.pairs * s.pairs * o);
  }

  share_options options_;
  matrix<gene> genes_;  // of the last fit
  std::vector<double> logs_;
  detail::effect_table log_prior_;  // ln a: (layers, choices), -inf past a layer's choices
  std::vector<state> milestones_;

  detail::block_places places_;

  state now_;
  double centre_ = 0, mean_ = 0;
  detail::effect_table effects_;  // A
  detail::share_features features_;
  Eigen::VectorXd slopes_, residual_, alpha_;
  std::optional<detail::jittered_factor> factor_;
  detail::link_vector beta_;
  detail::effect_table correction_;
  detail::share_overlaps overlaps_;
  Eigen::VectorXf first_order_, second_order_, local_order_;
};

}  // namespace amq
