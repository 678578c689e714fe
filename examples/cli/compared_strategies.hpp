// Strategies that `amq compare` knows by name, and factorials of their parts.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/laboratory/run.hpp"
#include "policies/policies.hpp"

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

/// The preset under a name with some parts replaced. Throws input_error for names and parts that nothing has.
inline strategy_names named_strategy(std::string const& name, std::map<std::string, std::string> const& parts) {
  strategy_names names{name};
  for (auto const& [part, chosen] : parts) {
    if (part == "predictor")
      names.predictor = chosen;
    else if (part == "optimizer")
      names.optimizer = chosen;
    else if (part == "infill")
      names.infill = chosen;
    else
      throw input_error("'" + part + "' is no part that can be varied: use predictor, optimizer or infill");
  }
  expect_strategy(policies(), names);
  return names;
}

/// Each strategy, or with varied parts each combination of it. Without `candidates` each has batches of the size that
/// suits it.
inline std::vector<compared_strategy> compared_strategies(std::vector<std::string> const& names,
                                                          std::vector<varied_part> const& varied, index evaluations,
                                                          std::optional<index> candidates) {
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
      auto const chosen = named_strategy(name, parts);
      auto const make = [chosen](format_space const& space, search_budget const& budget) {
        return make_strategy(policies(), chosen, space, budget);
      };
      auto const batch = candidates.value_or(find_preset(policies(), name).budget(evaluations).candidates);
      strategies.push_back({label, make, batch, std::move(factors)});
    }
  return strategies;
}

}  // namespace amq::cli
