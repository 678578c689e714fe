// Preset `share`: the share model, local knapsacks as candidates, greedy hypervolume batches.
#pragma once

#include <utility>

#include "amq/optimize/local_knapsack.hpp"
#include "amq/predict/share.hpp"
#include "amq/search/budget.hpp"
#include "amq/search/hypervolume_infill.hpp"
#include "amq/search/preset_options.hpp"
#include "amq/search/sensitivity_design.hpp"
#include "amq/search/surrogate_parts.hpp"

namespace amq {

template <search_space Space = format_space>
using share_strategy = surrogate_strategy<share, local_knapsack, hypervolume_infill, sensitivity_design, Space>;

inline auto share_parts(search_budget const& budget) {
  return surrogate_parts(surrogate_options{.learn_from_sensitivities = true}, share{}, local_knapsack{},
                         hypervolume_infill({.pool = 420}), sensitivity_design({.evaluations = budget.evaluations}));
}

/// `budget` decides whether layers are measured alone or in groups first; batches of 20 suit it.
template <search_space Space>
share_strategy<Space> make_share_strategy(Space space, search_budget const& budget) {
  return assemble(std::move(space), share_parts(budget));
}

/// As the program lists it.
struct share_preset {
  static constexpr char const* name = "share";
  static constexpr char const* description = "the share model, local knapsacks, batches by hypervolume";
  static constexpr char const* predictor = "share";
  static constexpr char const* optimizer = "local_knapsack";
  static constexpr char const* infill = "hypervolume";
  static index evaluations(index layers) { return layers + 1000; }
  static search_budget budget(index evaluations) { return search_budget::small_batches(evaluations); }
  static auto parts(search_budget const& budget, preset_options const&) { return share_parts(budget); }
};

}  // namespace amq
