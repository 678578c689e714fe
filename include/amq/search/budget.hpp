// How many evaluations a search may make, and how they are split.
#pragma once

#include <algorithm>

#include "amq/core/matrix.hpp"

namespace amq {

/// How many evaluations a search may make, everything counted, and how they are split.
struct search_budget {
  index evaluations = 0;  ///< in all: uniform configurations, sensitivities, initial design, batches
  index initial = 250;    ///< uniform configurations and initial design together
  index candidates = 50;  ///< in a batch

  /// For `evaluations` in all: min(250, N / 4) initial, batches of min(50, max(10, N / 40)).
  static search_budget of(index evaluations) {
    return {evaluations, std::min<index>(250, evaluations / 4),
            std::min<index>(50, std::max<index>(10, evaluations / 40))};
  }
  /// For strategies that know most of what a batch tells before it is measured: 20 at a time, no random design.
  static search_budget small_batches(index evaluations) { return {evaluations, 0, 20}; }
  /// AMQ's published one: the sensitivities of `layers`, 250 initial and 200 batches of 50.
  static search_budget published(index layers) { return of(layers + 10250); }
};

}  // namespace amq
