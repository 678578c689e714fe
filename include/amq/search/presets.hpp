// The two presets of AMQ's strategy: as its code was released, and with its defects repaired.
#pragma once

#include <utility>

#include "amq/optimize/nsga2.hpp"
#include "amq/predict/rbf.hpp"
#include "amq/search/subset_selection.hpp"
#include "amq/search/surrogate_strategy.hpp"

namespace amq {

/// AMQ with its defects repaired: a mutation changes a tenth of an individual's genes instead of forgetting it, and a
/// batch is filled when the optimizer's last population is mostly measured already.
template <class Predictor = rbf<>, search_space Space = format_space>
using amq_strategy =
    surrogate_strategy<Predictor, nsga2<binomial_crossover, reset_mutation>, spread_infill, amq_design, Space>;

template <search_space Space, class Predictor = rbf<>>
amq_strategy<Predictor, Space> make_amq_strategy(Space space, amq_design_options design = {},
                                                 nsga2_options optimizer = {}, Predictor predictor = Predictor{}) {
  using strategy = amq_strategy<Predictor, Space>;
  return strategy(
      std::move(space), {.learn_from_sensitivities = false, .fill_batches = true}, std::move(predictor),
      nsga2<binomial_crossover, reset_mutation>(optimizer, {}, {.probability = 0.1, .gene_probability = 0.1}),
      spread_infill{}, amq_design(design));
}

/// AMQ as released (github.com/dlwns147/amq): its mutation draws a tenth of the individuals anew, variables are ordered
/// kind first, and a batch is whatever new configurations the last population holds. Where it holds none, its loop goes
/// round again; after ten rounds this ends. The released code's odds are `design.odds = choice_odds::released`.
template <class Predictor = rbf<>, search_space Space = format_space>
using amq_as_released_strategy =
    surrogate_strategy<Predictor, nsga2<binomial_crossover, resample_mutation>, spread_infill, amq_design, Space>;

template <search_space Space, class Predictor = rbf<>>
amq_as_released_strategy<Predictor, Space> make_amq_as_released_strategy(
    Space space, amq_design_options design = {.odds = choice_odds::released}, nsga2_options optimizer = {},
    Predictor predictor = Predictor{}) {
  using strategy = amq_as_released_strategy<Predictor, Space>;
  return strategy(std::move(space),
                  {.learn_from_sensitivities = false, .fill_batches = false, .kind_first = true, .attempts = 10},
                  std::move(predictor), nsga2<binomial_crossover, resample_mutation>(optimizer), spread_infill{},
                  amq_design(design));
}

}  // namespace amq
