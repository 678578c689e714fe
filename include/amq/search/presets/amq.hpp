// Preset `amq`: AMQ's strategy with its defects repaired.
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

/// AMQ (arXiv 2509.12019) with its defects repaired: a mutation changes a tenth of an individual's genes instead of
/// forgetting it, and a batch is filled when the optimizer's last population is mostly measured already.
template <class Predictor = rbf<>, search_space Space = format_space>
using amq_strategy =
    surrogate_strategy<Predictor, nsga2<binomial_crossover, reset_mutation>, spread_infill, amq_design, Space>;

template <class Predictor = rbf<>>
auto amq_parts(amq_design_options design = {}, nsga2_options optimizer = {}, Predictor predictor = Predictor{}) {
  return surrogate_parts(
      surrogate_options{.learn_from_sensitivities = false, .fill_batches = true}, std::move(predictor),
      nsga2<binomial_crossover, reset_mutation>(optimizer, {}, {.probability = 0.1, .gene_probability = 0.1}),
      spread_infill{}, amq_design(design));
}

template <search_space Space, class Predictor = rbf<>>
amq_strategy<Predictor, Space> make_amq_strategy(Space space, amq_design_options design = {},
                                                 nsga2_options optimizer = {}, Predictor predictor = Predictor{}) {
  return assemble(std::move(space), amq_parts(design, optimizer, std::move(predictor)));
}

/// As the program lists it.
struct amq_preset {
  static constexpr char const* name = "amq";
  static constexpr char const* description = "AMQ's strategy with three defects of the released code repaired";
  static constexpr char const* predictor = "rbf";
  static constexpr char const* optimizer = "nsga2";
  static constexpr char const* infill = "spread";
  static index evaluations(index layers) { return search_budget::published(layers).evaluations; }
  static search_budget budget(index evaluations) { return search_budget::of(evaluations); }
  static auto parts(search_budget const& budget, preset_options const& options) {
    return amq_parts({.initial = budget.initial, .threshold = options.sensitivity_threshold},
                     {.population = options.population, .generations = options.generations});
  }
};

}  // namespace amq
