// A whole search by run-time names: preset, predictor and optimizer become one compile-time strategy.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "amq/compose/registry.hpp"
#include "amq/search/presets.hpp"
#include "amq/search/search.hpp"

namespace amq {

struct strategy_names {
  std::string preset = "amq";
  std::string predictor = "rbf";
  std::string optimizer = "nsga2";
  nsga2_options optimizer_options = {};
  double sensitivity_threshold = default_sensitivity_threshold;  ///< x median: layers above it are pinned
};

/// A predictor is registered as the function that makes it: what it learns is not copied.
inline auto predictors() {
  return hana::make_tuple(entry(BOOST_HANA_STRING("rbf"), [] { return rbf<cubic, linear_tail>{}; }),
                          entry(BOOST_HANA_STRING("rbf_thin_plate"), [] { return rbf<thin_plate, linear_tail>{}; }));
}

/// A preset makes a strategy from a space, the optimizer's options and a predictor, and knows its initial design.
struct amq_preset {
  static constexpr choice_odds odds = choice_odds::even;
  auto operator()(auto space, amq_design_options const& design, nsga2_options const& options, auto predictor) const {
    return make_amq_strategy(std::move(space), design, options, std::move(predictor));
  }
};
struct amq_as_released_preset {
  static constexpr choice_odds odds = choice_odds::released;
  auto operator()(auto space, amq_design_options const& design, nsga2_options const& options, auto predictor) const {
    return make_amq_as_released_strategy(std::move(space), design, options, std::move(predictor));
  }
};

inline auto presets() {
  return hana::make_tuple(entry(BOOST_HANA_STRING("amq"), amq_preset{}),
                          entry(BOOST_HANA_STRING("amq_as_released"), amq_as_released_preset{}));
}

/// The presets bring their own operators, so an optimizer is named by its family.
inline auto optimizers() { return hana::make_tuple(entry(BOOST_HANA_STRING("nsga2"), 0)); }

/// Throws input_error for a name that nothing has: before an archive is made, not after.
inline void expect_strategy(std::string_view preset, std::string_view predictor, std::string_view optimizer) {
  auto const known = [](auto const&) {};
  with_registered(presets(), preset, "a preset", known);
  with_registered(predictors(), predictor, "a predictor", known);
  with_registered(optimizers(), optimizer, "an optimizer", known);
}

/// run_search with the strategy that these names give; throws as run_search and expect_strategy do.
template <search_space Space, evaluator Evaluator, archive Archive>
search_result run_named_search(Space const& space, Evaluator& evaluator, Archive& archive, strategy_names const& names,
                               search_options const& options, search_observer const& observer = {}) {
  expect_strategy(names.preset, names.predictor, names.optimizer);
  search_result result;
  with_registered(presets(), names.preset, "a preset", [&](auto const& preset) {
    with_registered(predictors(), names.predictor, "a predictor", [&](auto const& make_predictor) {
      auto const make = [&](Space const& whole, search_budget const& budget) {
        amq_design_options const design{budget.initial, true, names.sensitivity_threshold, preset.odds};
        return preset(whole, design, names.optimizer_options, make_predictor());
      };
      result = run_search(space, evaluator, archive, make, options, observer);
    });
  });
  return result;
}

}  // namespace amq
