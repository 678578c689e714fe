// Crowding distance: how lonely each point of a front is (Deb et al. 2002, as pymoo computes it).
#pragma once

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "amq/core/matrix.hpp"

namespace amq {

/// Of the rows `subset` of objectives (points, objectives), in that order: for each objective the gap between the two
/// neighbours over the whole range, summed and divided by the number of objectives. The extremes are infinitely lonely;
/// an objective with a single value adds 0, to its extremes too; duplicates are kept; one or two points are infinite.
/// Ties are broken by position. O(n log n) per objective.
inline std::vector<double> crowding_distances(matrix_view<double const> objectives, std::span<index const> subset) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  std::size_t const n = subset.size();
  if (n <= 2) return std::vector<double>(n, infinite);
  std::vector<double> distances(n, 0.0);
  std::vector<std::size_t> order(n);
  for (index m = 0; m < objectives.cols; ++m) {
    auto const value = [&](std::size_t i) { return objectives(subset[i], m); };
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return value(a) != value(b) ? value(a) < value(b) : a < b; });
    double const range = value(order.back()) - value(order.front());
    if (!(range > 0)) continue;
    distances[order.front()] = distances[order.back()] = infinite;
    for (std::size_t k = 1; k + 1 < n; ++k)
      distances[order[k]] +=
          (value(order[k]) - value(order[k - 1])) / range + (value(order[k + 1]) - value(order[k])) / range;
  }
  for (double& d : distances) d /= static_cast<double>(objectives.cols);
  return distances;
}

/// Of all rows.
inline std::vector<double> crowding_distances(matrix_view<double const> objectives) {
  std::vector<index> all(static_cast<std::size_t>(objectives.rows));
  std::iota(all.begin(), all.end(), index{0});
  return crowding_distances(objectives, all);
}

}  // namespace amq
