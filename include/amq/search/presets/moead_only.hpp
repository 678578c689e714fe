// Preset `moead_only`: MOEA/D on the evaluator itself.
#pragma once

#include <utility>

#include "amq/search/budget.hpp"
#include "amq/search/direct.hpp"

namespace amq {

/// As the program lists it; `direct<decomposition_breeding>` is all there is to it.
struct moead_only_preset {
  static constexpr char const* name = "moead_only";
  static constexpr char const* description = "MOEA/D on measured losses, a generation a batch; no predictor";
  static index evaluations(index layers) { return search_budget::published(layers).evaluations; }
  static search_budget budget(index evaluations) { return search_budget::of(evaluations); }
  template <search_space Space>
  static direct<decomposition_breeding<>, Space> make(Space space, search_budget const&) {
    return direct<decomposition_breeding<>, Space>(std::move(space));
  }
};

}  // namespace amq
