// Preset `best`: the default of `amq search`.
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
using best_strategy = surrogate_strategy<share, local_knapsack, hypervolume_infill, sensitivity_design, Space>;

/// The recipe with two changes that docs/strategies.md measures: a batch is chosen among all candidates that are worth
/// a look, and is half as large, so that each choice knows more.
inline auto best_parts(search_budget const& budget) {
  return surrogate_parts(surrogate_options{.learn_from_sensitivities = true}, share{}, local_knapsack{},
                         hypervolume_infill({.pool = 3000}), sensitivity_design({.evaluations = budget.evaluations}));
}

/// `budget` decides whether layers are measured alone or in groups first; batches of 10 suit it.
template <search_space Space>
best_strategy<Space> make_best_strategy(Space space, search_budget const& budget) {
  return assemble(std::move(space), best_parts(budget));
}

/// As the program lists it.
struct best_preset {
  static constexpr char const* name = "best";
  static constexpr char const* description = "ours: the share model, local knapsacks, batches by hypervolume";
  static constexpr char const* predictor = "share";
  static constexpr char const* optimizer = "local_knapsack";
  static constexpr char const* infill = "hypervolume";
  static index evaluations(index layers) { return layers + 1000; }
  static search_budget budget(index evaluations) { return {evaluations, 0, 10}; }
  static auto parts(search_budget const& budget, preset_options const&) { return best_parts(budget); }
};

}  // namespace amq
