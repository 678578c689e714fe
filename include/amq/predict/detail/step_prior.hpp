// The average layer: what one step down costs when every layer is alike, learned from how many layers took it.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "amq/core/statistics.hpp"
#include "amq/predict/detail/gene_columns.hpp"

namespace amq::detail {

/// What is believed of a step before it is seen, by its distance from the layer's highest choice: the step down from
/// there is 0. Layers with fewer choices share the beliefs of the others' upper steps.
struct step_prior {
  std::vector<double> mean, deviation;
};

/// About the means; the divisor is the number of values.
inline double covariance(std::span<double const> x, std::span<double const> y) {
  double const x_mean = mean(x), y_mean = mean(y);
  double total = 0;
  for (std::size_t i = 0; i < x.size(); ++i) total += (x[i] - x_mean) * (y[i] - y_mean);
  return total / static_cast<double>(x.size());
}

/// (steps from the top, configurations): how many layers took this step down.
inline matrix<double> steps_taken(gene_columns const& data) {
  index most = 0;
  for (index layer = 0; layer < data.layers(); ++layer) most = std::max(most, data.steps(layer));
  matrix<double> taken(most, data.size());
  for (index layer = 0; layer < data.layers(); ++layer)
    for (index i = 0; i < data.size(); ++i)
      for (index t = 0; t < data.steps(layer) - data.genes(layer, i); ++t) taken(t, i) += 1;
  return taken;
}

/// Non-negative slopes of the losses over the counts (steps, configurations), drawn a little towards the slope over all
/// counts together, so that steps always taken together share what they explain.
inline std::vector<double> slopes_of_counts(matrix<double> const& taken, std::span<double const> losses) {
  auto const count = static_cast<std::size_t>(taken.rows());
  matrix<double> inner(taken.rows(), taken.rows());
  std::vector<double> cross(count);
  double all_square = 0, all_cross = 0;
  for (index t = 0; t < taken.rows(); ++t) {
    for (index s = 0; s < taken.rows(); ++s) all_square += inner(t, s) = covariance(taken.row(t), taken.row(s));
    all_cross += cross[static_cast<std::size_t>(t)] = covariance(taken.row(t), losses);
  }
  double const common = all_square > 0 ? std::max(0.0, all_cross / all_square) : 0.0;
  std::vector<double> slopes(count, common);
  for (int sweep = 0; sweep < 200; ++sweep)
    for (std::size_t t = 0; t < count; ++t) {
      auto const row = inner.row(static_cast<index>(t));
      double const weight = 1e-3 * row[t];
      double towards = cross[t] + weight * (common - slopes[t]);
      for (std::size_t s = 0; s < count; ++s) towards -= row[s] * slopes[s];
      if (row[t] > 0) slopes[t] = std::max(0.0, slopes[t] + towards / (row[t] + weight));
    }
  return slopes;
}

/// Deviations are the means, but at least a tenth of the greatest; where no step explains anything, an equal share of
/// the losses' range.
inline step_prior average_layer(gene_columns const& data, std::span<double const> losses) {
  step_prior prior{slopes_of_counts(steps_taken(data), losses), {}};
  double const largest = prior.mean.empty() ? 0.0 : *std::max_element(prior.mean.begin(), prior.mean.end());
  auto const [low, high] = std::minmax_element(losses.begin(), losses.end());
  double least = 0.1 * largest;
  if (!(least > 0)) least = (*high - *low) / static_cast<double>(data.layers());
  if (!(least > 0)) least = 1;
  for (double const mean : prior.mean) prior.deviation.push_back(std::max(mean, least));
  return prior;
}

}  // namespace amq::detail
