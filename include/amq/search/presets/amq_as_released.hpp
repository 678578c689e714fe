// Preset `amq_as_released`: AMQ's strategy as its code does it.
#pragma once

#include <utility>

#include "amq/optimize/nsga2.hpp"
#include "amq/predict/rbf.hpp"
#include "amq/search/amq_design.hpp"
#include "amq/search/budget.hpp"
#include "amq/search/preset_options.hpp"
#include "amq/search/subset_selection.hpp"
#include "amq/search/surrogate_parts.hpp"

namespace amq {

/// AMQ as released (github.com/dlwns147/amq): its mutation draws a tenth of the individuals anew, variables are ordered
/// kind first, and a batch is whatever new configurations the last population holds. Where it holds none, its loop goes
/// round again; after ten rounds this ends. The released code's odds are `design.odds = choice_odds::released`.
template <class Predictor = rbf<>, search_space Space = format_space>
using amq_as_released_strategy =
    surrogate_strategy<Predictor, nsga2<binomial_crossover, resample_mutation>, spread_infill, amq_design, Space>;

template <class Predictor = rbf<>>
auto amq_as_released_parts(amq_design_options design = {.odds = choice_odds::released}, nsga2_options optimizer = {},
                           Predictor predictor = Predictor{}) {
  return surrogate_parts(
      surrogate_options{.learn_from_sensitivities = false, .fill_batches = false, .kind_first = true, .attempts = 10},
      std::move(predictor), nsga2<binomial_crossover, resample_mutation>(optimizer), spread_infill{},
      amq_design(design));
}

template <search_space Space, class Predictor = rbf<>>
amq_as_released_strategy<Predictor, Space> make_amq_as_released_strategy(
    Space space, amq_design_options design = {.odds = choice_odds::released}, nsga2_options optimizer = {},
    Predictor predictor = Predictor{}) {
  return assemble(std::move(space), amq_as_released_parts(design, optimizer, std::move(predictor)));
}

/// As the program lists it.
struct amq_as_released_preset {
  static constexpr char const* name = "amq_as_released";
  static constexpr char const* description = "AMQ's strategy as its released code does it";
  static constexpr char const* predictor = "rbf";
  static constexpr char const* optimizer = "nsga2";
  static constexpr char const* infill = "spread";
  static index evaluations(index layers) { return search_budget::published(layers).evaluations; }
  static search_budget budget(index evaluations) { return search_budget::of(evaluations); }
  static auto parts(search_budget const& budget, preset_options const& options) {
    return amq_as_released_parts(
        {.initial = budget.initial, .threshold = options.sensitivity_threshold, .odds = choice_odds::released},
        {.population = options.population, .generations = options.generations});
  }
};

}  // namespace amq
