// HQQ's solver as its authors wrote it, in float64 and plain loops, for tests of the fast one.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "amq/quantize/detail/hqq_iterations.hpp"

namespace amq::testing {

struct plain_iteration {
  double zero = 0;      ///< the next one
  double distance = 0;  ///< sum of |weight - dequantized weight| under the zero given
};

inline plain_iteration plain_hqq_iteration(amq::detail::hqq_group const& group, double lp_norm, double beta,
                                           double zero) {
  plain_iteration next;
  for (index i = 0; i < group.size; ++i) {
    double const weight = group.weights[i];
    double const code = std::nearbyint(std::clamp(weight * group.steps + zero, 0.0, double{group.highest}));
    double const error = weight - (code - zero) * group.scale;
    double const shrunk = std::max(std::abs(error) - std::pow(std::abs(error), lp_norm - 1) / beta, 0.0);
    next.zero += (code - (weight - std::copysign(shrunk, error)) * group.steps) / static_cast<double>(group.size);
    next.distance += std::abs(error);
  }
  return next;
}

/// One list of zeros, one for each group, for every iteration until the error over all groups no longer falls.
inline std::vector<std::vector<double>> plain_hqq(std::vector<amq::detail::hqq_group> const& groups,
                                                  std::vector<double> zeros, int iterations) {
  std::vector<std::vector<double>> history;
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < iterations; ++i) {
    double distance = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      auto const next = plain_hqq_iteration(groups[g], 0.7, 10, zeros[g]);
      zeros[g] = next.zero;
      distance += next.distance;
    }
    history.push_back(zeros);
    if (distance >= best) break;
    best = distance;
  }
  return history;
}

}  // namespace amq::testing
