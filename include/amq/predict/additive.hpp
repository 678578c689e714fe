// additive: a predictor that sums what each layer's choice costs, and never says that more bits cost more.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/predictor.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/error.hpp"
#include "amq/core/random.hpp"
#include "amq/predict/detail/gene_columns.hpp"
#include "amq/predict/detail/step_descent.hpp"
#include "amq/predict/detail/step_prior.hpp"
#include "amq/predict/detail/training_set.hpp"

namespace amq {

struct additive_options {
  /// Variance of the losses that no sum explains, as a part of all their variance: how strongly steps are drawn to the
  /// average layer's. Without it the best of six values on every fifth configuration, predicted from the others (from
  /// 10 configurations on; 0.01 below).
  std::optional<double> unexplained;
};

/// loss = base + sum over layers of cost(layer, gene), where costs fall with the gene. A cost is a sum of steps, one
/// for each choice above the gene; steps are at least 0 and normal a priori, with the mean and deviation of the average
/// layer's (ridge regression on increments, non-negative). Layers or choices never seen get the average layer's steps.
///
/// A fit is some tens of passes of O(n layers), 200 at most, for each of six values of the option and at the end; a
/// prediction O(layers).
/// Deterministic; equal data in equal order give equal bits.
class additive {
 public:
  using policy_category = predictor_category;

  /// Throws precondition_error unless `unexplained`, where given, is in (0, 1].
  explicit additive(additive_options options = {}) : options_(options) {
    AMQ_EXPECTS(!options.unexplained || (*options.unexplained > 0 && *options.unexplained <= 1),
                "additive_options::unexplained is a part of the losses' variance, above 0 and at most 1, not " +
                    std::to_string(*options.unexplained));
  }

  /// Throws precondition_error unless there is one finite loss for each row of genes (configurations, layers), at least
  /// one, and every gene is one of its layer's choices.
  template <search_space Space>
  void fit(Space const& space, matrix_view<gene const> genes, std::span<double const> losses) {
    detail::expect_training_set("additive::fit", genes, losses);
    levels_.clear();
    for (index layer = 0; layer < space.size(); ++layer)
      levels_.push_back(static_cast<int>(std::ssize(space.choices(layer))));
    expect_genes("additive::fit", genes);
    learn(genes, losses);
  }

  /// out[i] is the predicted loss of row i. Throws precondition_error before the first fit and for genes that are no
  /// choice of their layer, as the members below do.
  void predict(matrix_view<gene const> genes, std::span<double> out) const {
    expect_rows("additive::predict", genes, std::ssize(out));
    sum_rows(costs_, model_.base, genes, out);
  }

  /// Squared deviation of a measured loss from the prediction: what no sum explains (the squared error on the
  /// configurations held out), and each step's own, as if the other steps were known.
  void variance(matrix_view<gene const> genes, std::span<double> out) const {
    expect_rows("additive::variance", genes, std::ssize(out));
    sum_rows(cost_variances_, noise_variance_, genes, out);
  }

  /// (layers, most choices): what each choice adds to the loss with all layers at their highest, at least 0 and never
  /// rising; +infinity past a layer's choices.
  matrix<double> layer_costs() const {
    AMQ_EXPECTS(fitted(), "additive::layer_costs needs a fit before it");
    return costs_.clone();
  }

  /// `layer_costs` of one draw of all steps about their fitted values, each on its own and not below 0.
  matrix<double> draw_layer_costs(random_stream& random) const {
    AMQ_EXPECTS(fitted(), "additive::draw_layer_costs needs a fit before it");
    matrix<double> steps(model_.steps.rows(), model_.steps.cols());
    for (index i = 0; i < steps.size(); ++i)
      steps.data()[i] = std::max(0.0, model_.steps.data()[i] + std::sqrt(step_variances_.data()[i]) * random.normal());
    return cumulative(steps);
  }

  /// out[i] is row i's loss under one joint draw.
  void draw(matrix_view<gene const> genes, random_stream& random, std::span<double> out) const {
    expect_rows("additive::draw", genes, std::ssize(out));
    sum_rows(draw_layer_costs(random), model_.base, genes, out);
  }

 private:
  static std::size_t at(index i) { return static_cast<std::size_t>(i); }
  bool fitted() const { return !levels_.empty() && costs_.size() > 0; }

  void expect_rows(std::string const& who, matrix_view<gene const> genes, index room) const {
    AMQ_EXPECTS(fitted(), who + " needs a fit before it");
    AMQ_EXPECTS(genes.rows == room, who + " needs room for one number a configuration");
    expect_genes(who, genes);
  }

  void expect_genes(std::string const& who, matrix_view<gene const> genes) const {
    AMQ_EXPECTS(genes.cols == std::ssize(levels_), who + " needs a gene for each of " + std::to_string(levels_.size()) +
                                                       " layers, not " + std::to_string(genes.cols));
    for (index i = 0; i < genes.rows; ++i)
      for (index layer = 0; layer < genes.cols; ++layer)
        AMQ_EXPECTS(genes(i, layer) < levels_[at(layer)], who + " got gene " + std::to_string(genes(i, layer)) +
                                                              " for layer " + std::to_string(layer) + ", which has " +
                                                              std::to_string(levels_[at(layer)]) + " choices");
  }

  void learn(matrix_view<gene const> genes, std::span<double const> losses) {
    auto const all = detail::columns_of(genes, levels_, [](index) { return true; });
    auto const prior = detail::average_layer(all, losses);
    double const spread = detail::covariance(losses, losses);
    auto const chosen = choose(genes, losses, prior, spread);
    noise_variance_ = chosen.error;
    model_ = detail::step_descent(all, losses, prior, chosen.unexplained * spread).run(start(prior), 1e-5);
    set_costs(prior);
  }

  struct choice {
    double unexplained = 0;
    double error = 0;  ///< mean square on what was held out
  };
  choice choose(matrix_view<gene const> genes, std::span<double const> losses, detail::step_prior const& prior,
                double spread) const {
    double const fallback = options_.unexplained.value_or(0.01);
    if (genes.rows < 10) return {fallback, fallback * spread};
    auto const held_out = [](index i) { return i % 5 == 4; };
    auto const kept = [&](index i) { return !held_out(i); };
    auto const train = detail::columns_of(genes, levels_, kept);
    auto const train_losses = detail::losses_of(losses, kept), test_losses = detail::losses_of(losses, held_out);
    auto const test = detail::columns_of(genes, levels_, held_out);
    std::vector<double> candidates{1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6};
    if (options_.unexplained) candidates = {*options_.unexplained};
    std::optional<choice> best;
    auto from = start(prior);
    for (double const part : candidates) {
      auto fit = detail::step_descent(train, train_losses, prior, part * spread).run(std::move(from), 1e-3);
      double const error = detail::mean_squared_error(fit, test, test_losses);
      if (!best || error < best->error) best = {part, error};
      from = std::move(fit.steps);
    }
    return *best;
  }

  /// Every step at the average layer's.
  matrix<double> start(detail::step_prior const& prior) const {
    matrix<double> steps(std::ssize(levels_), std::ssize(prior.mean));
    for (index layer = 0; layer < steps.rows(); ++layer)
      for (index k = 0; k + 1 < levels_[at(layer)]; ++k) steps(layer, k) = prior.mean[at(levels_[at(layer)] - 2 - k)];
    return steps;
  }

  void set_costs(detail::step_prior const& prior) {
    step_variances_ = matrix<double>(model_.steps.rows(), model_.steps.cols());
    for (index layer = 0; layer < step_variances_.rows(); ++layer)
      for (index k = 0; k + 1 < levels_[at(layer)]; ++k) {
        double const deviation = prior.deviation[at(levels_[at(layer)] - 2 - k)];
        double const square = deviation * deviation;
        double const seen = model_.information(layer, k) * square;
        step_variances_(layer, k) = noise_variance_ > 0 ? square * noise_variance_ / (seen + noise_variance_) : 0.0;
      }
    costs_ = cumulative(model_.steps);
    cost_variances_ = cumulative(step_variances_);
  }

  /// (layers, most choices): sums of the steps from each gene up; +infinity past a layer's choices.
  matrix<double> cumulative(matrix<double> const& steps) const {
    matrix<double> sums(steps.rows(), steps.cols() + 1);
    for (index layer = 0; layer < sums.rows(); ++layer) {
      auto const highest = levels_[at(layer)] - 1;
      for (index k = highest - 1; k >= 0; --k) sums(layer, k) = sums(layer, k + 1) + steps(layer, k);
      for (index k = highest + 1; k < sums.cols(); ++k) sums(layer, k) = std::numeric_limits<double>::infinity();
    }
    return sums;
  }

  static void sum_rows(matrix<double> const& costs, double base, matrix_view<gene const> genes, std::span<double> out) {
    for (index i = 0; i < genes.rows; ++i) {
      double total = base;
      for (index layer = 0; layer < genes.cols; ++layer) total += costs(layer, genes(i, layer));
      out[at(i)] = total;
    }
  }

  additive_options options_;
  std::vector<int> levels_;
  detail::step_sum model_;
  matrix<double> step_variances_;          // (layers, most steps)
  matrix<double> costs_, cost_variances_;  // (layers, most choices)
  double noise_variance_ = 0;
};

}  // namespace amq
