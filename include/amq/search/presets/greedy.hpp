// Preset `greedy`: from all-highest down, always the step that costs the least loss a bit saved.
#pragma once

#include <utility>

#include "amq/search/budget.hpp"
#include "amq/search/greedy.hpp"

namespace amq {

/// As the program lists it; `greedy` is all there is to it.
struct greedy_preset {
  static constexpr char const* name = "greedy";
  static constexpr char const* description =
      "from all-highest down, always the step that costs the least loss a bit saved";
  static index evaluations(index layers) { return search_budget::published(layers).evaluations; }
  static search_budget budget(index evaluations) { return search_budget::of(evaluations); }
  template <search_space Space>
  static greedy<Space> make(Space space, search_budget const&) {
    return greedy<Space>(std::move(space));
  }
};

}  // namespace amq
