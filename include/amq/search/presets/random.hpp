// Preset `random`: configurations drawn at random.
#pragma once

#include <utility>

#include "amq/search/budget.hpp"
#include "amq/search/random_search.hpp"

namespace amq {

/// As the program lists it; `random_search` is all there is to it.
struct random_preset {
  static constexpr char const* name = "random";
  static constexpr char const* description = "configurations drawn at random";
  static index evaluations(index layers) { return search_budget::published(layers).evaluations; }
  static search_budget budget(index evaluations) { return search_budget::of(evaluations); }
  template <search_space Space>
  static random_search<Space> make(Space space, search_budget const&) {
    return random_search<Space>(std::move(space));
  }
};

}  // namespace amq
