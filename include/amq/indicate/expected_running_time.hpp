// How long a strategy needs to a target when it may start again: expected running time.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "amq/core/error.hpp"

namespace amq {

/// One run towards a target.
struct attempt {
  double evaluations = 0;  ///< until the target, or of the whole run where it was missed
  bool reached = false;
};

/// When a run's quality first was at least `target`: evaluations[i] is what it had spent when it was at qualities[i];
/// both in time order. Throws precondition_error for different sizes and for no points. O(n).
inline attempt first_reach(std::span<double const> evaluations, std::span<double const> qualities, double target) {
  AMQ_EXPECTS(!qualities.empty() && evaluations.size() == qualities.size(),
              "first_reach needs as many evaluations as qualities, and at least one, not " +
                  std::to_string(evaluations.size()) + " and " + std::to_string(qualities.size()));
  for (std::size_t i = 0; i < qualities.size(); ++i)
    if (qualities[i] >= target) return {evaluations[i], true};
  return {evaluations.back(), false};
}

/// Evaluations of all runs up to the target or their end, divided by the number that reached it: what restarting until
/// success costs on average (Auger and Hansen 2005; COCO). Empty when none did. O(runs).
inline std::optional<double> expected_running_time(std::span<attempt const> attempts) {
  double spent = 0;
  double successes = 0;
  for (auto const& one : attempts) {
    spent += one.evaluations;
    successes += one.reached ? 1 : 0;
  }
  if (successes == 0) return std::nullopt;
  return spent / successes;
}

}  // namespace amq
