// Several comparisons taken together: do strategies differ across landscapes?
#pragma once

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/statistics.hpp"
#include "amq/indicate/friedman.hpp"
#include "amq/laboratory/curves.hpp"

namespace amq {

/// The finished runs of one landscape.
struct landscape_runs {
  std::string name;
  std::vector<comparison_run> runs;
};

namespace detail {

/// In the first landscape's order, those that every landscape has.
inline std::vector<std::string> common_strategies(std::span<landscape_runs const> landscapes) {
  std::vector<std::string> names;
  for (auto const& run : landscapes.front().runs)
    if (std::find(names.begin(), names.end(), run.strategy) == names.end()) names.push_back(run.strategy);
  std::erase_if(names, [&](std::string const& name) {
    return std::ranges::any_of(landscapes,
                               [&](auto const& landscape) { return runs_of(landscape.runs, name).empty(); });
  });
  return names;
}

/// Mean final hypervolume (landscapes, strategies).
inline matrix<double> mean_finals(std::span<landscape_runs const> landscapes, std::span<std::string const> strategies,
                                  loss_scale scale) {
  matrix<double> values(std::ssize(landscapes), std::ssize(strategies));
  for (index l = 0; l < values.rows(); ++l)
    for (index s = 0; s < values.cols(); ++s) {
      std::vector<double> finals;
      for (auto const* run :
           runs_of(landscapes[static_cast<std::size_t>(l)].runs, strategies[static_cast<std::size_t>(s)]))
        finals.push_back(hypervolume_of(run->rows.back(), scale));
      values(l, s) = mean(finals);
    }
  return values;
}

}  // namespace detail

/// Friedman's test with landscapes as blocks and the strategies that all of them have as treatments, on mean final
/// hypervolumes; every pair with Holm's correction. Throws input_error for fewer than two landscapes or strategies.
inline nlohmann::ordered_json summarise_across(std::span<landscape_runs const> landscapes) {
  if (landscapes.size() < 2)
    throw input_error("a comparison across landscapes needs at least two, not " + std::to_string(landscapes.size()));
  auto const names = detail::common_strategies(landscapes);
  if (names.size() < 2)
    throw input_error("these comparisons have " + std::to_string(names.size()) +
                      " strategies in common; expected at least two");
  nlohmann::ordered_json summary;
  for (auto const scale : {loss_scale::raw, loss_scale::logarithmic}) {
    auto const values = detail::mean_finals(landscapes, names, scale);
    auto const test = friedman_test(values.view());
    nlohmann::ordered_json described{{"statistic", test.statistic}, {"p", test.p_value}, {"f_p", test.f_p_value}};
    for (std::size_t s = 0; s < names.size(); ++s) described["mean_ranks"][names[s]] = test.mean_ranks[s];
    for (index l = 0; l < values.rows(); ++l)
      for (index s = 0; s < values.cols(); ++s)
        described["means"][landscapes[static_cast<std::size_t>(l)].name][names[static_cast<std::size_t>(s)]] =
            values(l, s);
    for (auto const& pair : test.pairs)
      described["pairs"].push_back({{"first", names[static_cast<std::size_t>(pair.first)]},
                                    {"second", names[static_cast<std::size_t>(pair.second)]},
                                    {"p_holm", pair.p_value}});
    summary[scale == loss_scale::raw ? "hypervolume" : "log_hypervolume"] = std::move(described);
  }
  return summary;
}

}  // namespace amq
