// Preset `evolution`: EvoPress's level switches, a parent and offspring for each size.
#pragma once

#include <utility>

#include "amq/search/budget.hpp"
#include "amq/search/evolution.hpp"

namespace amq {

/// As the program lists it; `evolution` is all there is to it.
struct evolution_preset {
  static constexpr char const* name = "evolution";
  static constexpr char const* description = "EvoPress's level switches, a parent and offspring for each size";
  static index evaluations(index layers) { return search_budget::published(layers).evaluations; }
  static search_budget budget(index evaluations) { return search_budget::of(evaluations); }
  template <search_space Space>
  static evolution<Space> make(Space space, search_budget const&) {
    return evolution<Space>(std::move(space));
  }
};

}  // namespace amq
