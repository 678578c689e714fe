// Sums of non-negative steps: what each layer adds to the loss each time its gene goes down by one.
#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "amq/core/statistics.hpp"
#include "amq/predict/detail/gene_columns.hpp"
#include "amq/predict/detail/step_prior.hpp"

namespace amq::detail {

/// loss = base + sum over layers l and k >= gene of steps(l, k): step k lies between genes k and k + 1.
struct step_sum {
  double base = 0;             ///< loss with every layer at its highest choice
  matrix<double> steps;        ///< (layers, most steps), none below 0
  matrix<double> information;  ///< sum of squares about their mean of each step's column of zeros and ones
};

inline double mean_squared_error(step_sum const& model, gene_columns const& data, std::span<double const> losses) {
  std::vector<double> errors(losses.begin(), losses.end());
  for (double& e : errors) e -= model.base;
  for (index layer = 0; layer < data.layers(); ++layer)
    for (std::size_t i = 0; i < losses.size(); ++i)
      for (index k = data.genes(layer, static_cast<index>(i)); k < data.steps(layer); ++k)
        errors[i] -= model.steps(layer, k);
  return std::inner_product(errors.begin(), errors.end(), errors.begin(), 0.0) / static_cast<double>(errors.size());
}

/// Least squares with a normal prior on each step, by projected coordinate descent: a layer's steps at a time, exactly
/// within the layer, the base eliminated. A pass is O(configurations x layers), however many choices there are.
class step_descent {
 public:
  step_descent(gene_columns const& data, std::span<double const> losses, step_prior const& prior, double noise_variance)
      : data_(data),
        prior_(prior),
        noise_variance_(noise_variance),
        residuals_(losses.begin(), losses.end()),
        mean_(mean(losses)) {
    for (double& r : residuals_) r -= mean_;
    square_ = std::inner_product(residuals_.begin(), residuals_.end(), residuals_.begin(), 0.0);
  }

  /// Passes until one moves the fitted losses by less than this part of their spread, 200 at most.
  step_sum run(matrix<double> start, double precision) {
    auto const width = start.cols();
    result_ = {0, matrix<double>(data_.layers(), width), matrix<double>(data_.layers(), width)};
    for (index layer = 0; layer < data_.layers(); ++layer) move(layer, start.row(layer).first(at(data_.steps(layer))));
    for (int pass = 0; pass < 200; ++pass) {
      double moved = 0;
      for (index layer = 0; layer < data_.layers(); ++layer) moved += improve(layer);
      if (moved <= precision * precision * square_) break;
    }
    result_.base = mean_ - explained_;
    return std::move(result_);
  }

 private:
  static std::size_t at(index i) { return static_cast<std::size_t>(i); }

  /// Configurations with a gene of at most k, and the sum of their residuals, for each step k.
  struct step_totals {
    std::vector<double> counts, residuals;
  };
  step_totals totals(index layer) const {
    auto const steps = at(data_.steps(layer));
    step_totals t{std::vector<double>(steps + 1), std::vector<double>(steps + 1)};
    auto const genes = data_.genes.row(layer);
    for (std::size_t i = 0; i < genes.size(); ++i) {
      t.counts[genes[i]] += 1;
      t.residuals[genes[i]] += residuals_[i];
    }
    std::partial_sum(t.counts.begin(), t.counts.end(), t.counts.begin());
    std::partial_sum(t.residuals.begin(), t.residuals.end(), t.residuals.begin());
    return t;
  }

  /// Minimises over this layer's steps; returns the sum of squares by which the fitted losses moved, counted apart for
  /// each step.
  double improve(index layer) {
    auto const steps = data_.steps(layer);
    auto t = totals(layer);
    auto const inner = [&](index j, index k) {
      return t.counts[at(std::min(j, k))] - t.counts[at(j)] * t.counts[at(k)] / static_cast<double>(data_.size());
    };
    std::vector<double> change(at(steps));
    for (int sweep = 0; sweep < (steps > 1 ? 8 : 1); ++sweep)
      for (index k = 0; k < steps; ++k) {
        auto const from_top = at(steps - 1 - k);
        double const deviation = prior_.deviation[from_top];
        double const penalty = noise_variance_ / (deviation * deviation);
        double const now = result_.steps(layer, k) + change[at(k)];
        double const towards = t.residuals[at(k)] + penalty * (prior_.mean[from_top] - now);
        double const scale = inner(k, k) + penalty;
        double const moved = scale > 0 ? std::max(towards / scale, -now) : 0.0;
        change[at(k)] += moved;
        for (index j = 0; j < steps; ++j) t.residuals[at(j)] -= inner(j, k) * moved;
      }
    double total = 0;
    for (index k = 0; k < steps; ++k) {
      result_.information(layer, k) = inner(k, k);
      total += inner(k, k) * change[at(k)] * change[at(k)];
    }
    move(layer, change);
    return total;
  }

  /// Adds these changes to the layer's steps.
  void move(index layer, std::span<double const> change) {
    std::vector<double> cost(change.size() + 1);  // change of what each gene costs
    for (std::size_t k = change.size(); k-- > 0;) cost[k] = cost[k + 1] + change[k];
    auto const genes = std::as_const(data_.genes).row(layer);
    double total = 0;
    for (gene const g : genes) total += cost[g];
    double const centre = total / static_cast<double>(data_.size());
    for (std::size_t i = 0; i < genes.size(); ++i) residuals_[i] -= cost[genes[i]] - centre;
    for (std::size_t k = 0; k < change.size(); ++k) result_.steps(layer, static_cast<index>(k)) += change[k];
    explained_ += centre;
  }

  gene_columns const& data_;
  step_prior const& prior_;
  double noise_variance_;
  std::vector<double> residuals_;  // about their mean
  double mean_;                    // of the losses
  double square_ = 0;              // of the losses about their mean
  double explained_ = 0;           // mean of the fitted sums of steps
  step_sum result_;
};

}  // namespace amq::detail
