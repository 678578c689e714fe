// Strategies that `amq compare` knows by name, and factorials of their parts.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/compose/strategies.hpp"
#include "amq/core/error.hpp"
#include "amq/laboratory/run.hpp"
#include "amq/search/evolution.hpp"
#include "amq/search/greedy.hpp"
#include "amq/search/knapsack_strategy.hpp"
#include "amq/search/random_search.hpp"

namespace amq::cli {

/// A varied part and the names it takes in turn.
struct varied_part {
  std::string part;
  std::vector<std::string> names;
};

/// "predictor=rbf,rbf_thin_plate". Throws input_error for anything else.
inline varied_part parse_varied(std::string const& text) {
  auto const equals = text.find('=');
  varied_part varied{text.substr(0, equals), {}};
  for (std::size_t start = equals; start != std::string::npos;) {
    auto const end = text.find(',', start + 1);
    varied.names.push_back(text.substr(start + 1, end == std::string::npos ? end : end - start - 1));
    start = end;
  }
  bool const whole = !varied.part.empty() && !varied.names.empty() &&
                     std::ranges::none_of(varied.names, [](std::string const& name) { return name.empty(); });
  if (!whole) throw input_error("--vary " + text + " is not understood; expected PART=NAME,NAME, as in predictor=a,b");
  return varied;
}

namespace detail {

/// A strategy of its own, with its defaults.
template <template <class> class Strategy>
strategy_factory plain_strategy() {
  return [](format_space const& space, search_budget const&) { return any_strategy(Strategy<format_space>(space)); };
}

inline std::map<std::string, strategy_factory> const& plain_strategies() {
  static std::map<std::string, strategy_factory> const all{{"evolution", plain_strategy<evolution>()},
                                                           {"greedy", plain_strategy<greedy>()},
                                                           {"knapsack", plain_strategy<knapsack_strategy>()},
                                                           {"random", plain_strategy<random_search>()}};
  return all;
}

}  // namespace detail

/// The strategy under a name with some parts replaced. Throws input_error for names and parts that nothing has.
inline strategy_factory named_strategy(std::string const& name, std::map<std::string, std::string> const& parts) {
  if (auto const found = detail::plain_strategies().find(name); found != detail::plain_strategies().end()) {
    if (!parts.empty()) throw input_error("the strategy '" + name + "' has no part that can be varied");
    return found->second;
  }
  strategy_names names;
  names.preset = name;
  for (auto const& [part, chosen] : parts) {
    if (part != "predictor") throw input_error("'" + part + "' is no part that can be varied: use predictor");
    names.predictor = chosen;
  }
  expect_strategy(names.preset, names.predictor, names.optimizer);
  return [names](format_space const& space, search_budget const& budget) {
    std::optional<any_strategy> made;
    with_registered(presets(), names.preset, "a preset", [&](auto const& preset) {
      with_registered(predictors(), names.predictor, "a predictor", [&](auto const& make_predictor) {
        amq_design_options const design{budget.initial, true, names.sensitivity_threshold, preset.odds};
        made.emplace(preset(space, design, names.optimizer_options, make_predictor()));
      });
    });
    return std::move(*made);
  };
}

/// Each strategy, or with varied parts each combination of it.
inline std::vector<compared_strategy> compared_strategies(std::vector<std::string> const& names,
                                                          std::vector<varied_part> const& varied) {
  std::vector<std::map<std::string, std::string>> combinations{{}};
  for (auto const& [part, choices] : varied) {
    std::vector<std::map<std::string, std::string>> longer;
    for (auto const& combination : combinations)
      for (auto const& choice : choices) {
        longer.push_back(combination);
        if (!longer.back().emplace(part, choice).second) throw input_error("--vary names '" + part + "' twice");
      }
    combinations = std::move(longer);
  }
  std::vector<compared_strategy> strategies;
  for (auto const& name : names)
    for (auto const& parts : combinations) {
      std::string label = name;
      for (auto const& [part, choice] : parts) label += " " + part + "=" + choice;
      auto factors = parts;
      if (!parts.empty() && names.size() > 1) factors.emplace("strategy", name);
      strategies.push_back({label, named_strategy(name, parts), {}, std::move(factors)});
    }
  return strategies;
}

}  // namespace amq::cli
