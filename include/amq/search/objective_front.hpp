// The non-dominated part of an archive under any number of objectives.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "amq/concepts/objective.hpp"
#include "amq/core/configuration.hpp"
#include "amq/core/matrix.hpp"
#include "amq/indicate/pareto.hpp"

namespace amq {

struct objective_point {
  amq::configuration configuration;
  double loss = 0;
  double average_bits = 0;
  std::int64_t model_bytes = 0;
  std::vector<double> further;  ///< one for each further objective
};

/// Of everything measured (finite losses, all tokens), the points that no other beats in one of loss, average bits and
/// the further objectives without being worse in another; of equal ones the first measured. Fewest bits first, then
/// least loss. O(n^2) per objective. `front` is the one with loss and bits alone.
inline std::vector<objective_point> objective_front(std::span<evaluation const> evaluations,
                                                    std::span<any_objective const> further) {
  std::vector<objective_point> points;
  for (auto const& e : evaluations) {
    if (!std::isfinite(e.loss) || e.fidelity < 1) continue;
    points.push_back({e.configuration, e.loss, e.average_bits, e.model_bytes, {}});
    for (auto const& each : further) points.back().further.push_back(each.value(e.configuration));
  }
  matrix<double> objectives(std::ssize(points), 2 + std::ssize(further));
  for (index i = 0; i < objectives.rows(); ++i) {
    auto const& point = points[static_cast<std::size_t>(i)];
    objectives(i, 0) = point.loss;
    objectives(i, 1) = point.average_bits;
    std::ranges::copy(point.further, objectives.row(i).begin() + 2);
  }
  std::vector<objective_point> front;
  for (index const i : front_indices(objectives)) front.push_back(std::move(points[static_cast<std::size_t>(i)]));
  std::stable_sort(front.begin(), front.end(), [](objective_point const& a, objective_point const& b) {
    return a.average_bits != b.average_bits ? a.average_bits < b.average_bits : a.loss < b.loss;
  });
  auto const equal = [](objective_point const& a, objective_point const& b) {
    return a.average_bits == b.average_bits && a.loss == b.loss && a.further == b.further;
  };
  front.erase(std::unique(front.begin(), front.end(), equal), front.end());
  return front;
}

}  // namespace amq
