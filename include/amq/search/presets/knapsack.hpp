// Preset `knapsack`: optima of the sum of single layers' measured costs.
#pragma once

#include <utility>

#include "amq/search/budget.hpp"
#include "amq/search/knapsack_strategy.hpp"

namespace amq {

/// As the program lists it; `knapsack_strategy` is all there is to it.
struct knapsack_preset {
  static constexpr char const* name = "knapsack";
  static constexpr char const* description = "optima of the sum of single layers' measured costs";
  static index evaluations(index layers) { return search_budget::published(layers).evaluations; }
  static search_budget budget(index evaluations) { return search_budget::of(evaluations); }
  template <search_space Space>
  static knapsack_strategy<Space> make(Space space, search_budget const&) {
    return knapsack_strategy<Space>(std::move(space));
  }
};

}  // namespace amq
