// AMQ's pruning of the space: layers that hurt too much at the lowest choice are not searched.
#pragma once

#include <span>
#include <vector>

#include "amq/core/matrix.hpp"
#include "amq/core/statistics.hpp"

namespace amq {

/// How many times the median a sensitivity must exceed for its layer to be pinned (arXiv 2509.12019, section 3.2).
inline constexpr double default_sensitivity_threshold = 2.0;

/// Indices, rising, of the layers whose sensitivity (the loss with that layer alone at its lowest choice and all others
/// at their highest, nats a position) is above threshold x the median. Throws precondition_error without sensitivities.
inline std::vector<index> pinned_by_sensitivity(std::span<double const> sensitivities,
                                                double threshold = default_sensitivity_threshold) {
  double const limit = threshold * median(sensitivities);
  std::vector<index> pinned;
  for (index layer = 0; layer < std::ssize(sensitivities); ++layer)
    if (sensitivities[static_cast<std::size_t>(layer)] > limit) pinned.push_back(layer);
  return pinned;
}

}  // namespace amq
