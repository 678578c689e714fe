// Strategies at equal evaluations: hypervolumes, and Wilcoxon's test between each two.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/statistics.hpp"
#include "amq/indicate/friedman.hpp"
#include "amq/indicate/wilcoxon.hpp"
#include "amq/laboratory/curves.hpp"
#include "amq/laboratory/detail/strategy_figures.hpp"

namespace amq::detail {

/// From 50 evaluations past the sensitivities on, each half as much again, and the end.
inline std::vector<double> checkpoints(index sensitivities, double end) {
  std::vector<double> points;
  double const first = static_cast<double>(sensitivities) + 50;
  for (double at = std::min(first, std::ceil(end / 4)); at < end; at = std::floor(1.5 * at) + 1) points.push_back(at);
  points.push_back(end);
  return points;
}

/// Hypervolumes at equal evaluations of the seeds that both strategies have.
struct paired_values {
  std::vector<double> first;
  std::vector<double> second;
};

inline paired_values pairs_at(std::span<comparison_run const* const> a, std::span<comparison_run const* const> b,
                              double evaluations, loss_scale scale) {
  paired_values values;
  for (auto const* left : a)
    for (auto const* right : b) {
      if (left->seed != right->seed) continue;
      auto const* const left_row = row_within(*left, &comparison_row::evaluations, evaluations);
      auto const* const right_row = row_within(*right, &comparison_row::evaluations, evaluations);
      if (left_row == nullptr || right_row == nullptr) continue;
      values.first.push_back(hypervolume_of(*left_row, scale));
      values.second.push_back(hypervolume_of(*right_row, scale));
    }
  return values;
}

inline json tests_at(std::span<comparison_run const> runs, std::span<std::string const> strategies, double evaluations,
                     loss_scale scale, double tie) {
  json tests = json::array();
  std::vector<double> p_values;
  for (std::size_t i = 0; i < strategies.size(); ++i)
    for (std::size_t j = i + 1; j < strategies.size(); ++j) {
      auto const values = pairs_at(runs_of(runs, strategies[i]), runs_of(runs, strategies[j]), evaluations, scale);
      if (values.first.empty()) continue;
      auto const test = wilcoxon_signed_rank(values.first, values.second, tie);
      std::vector<double> differences;
      index better = 0, worse = 0;
      for (std::size_t k = 0; k < values.first.size(); ++k) {
        differences.push_back(values.first[k] - values.second[k]);
        better += differences.back() > tie;
        worse += differences.back() < -tie;
      }
      p_values.push_back(test.p_value);
      tests.push_back({{"first", strategies[i]},
                       {"second", strategies[j]},
                       {"seeds", values.first.size()},
                       {"first_better", better},
                       {"second_better", worse},
                       {"median_difference", median(differences)},
                       {"p", test.p_value},
                       {"exact", test.exact}});
    }
  auto const adjusted = holm_adjusted(p_values);
  for (std::size_t k = 0; k < adjusted.size(); ++k) tests[k]["p_holm"] = adjusted[k];
  return tests;
}

inline json checkpoint_summary(std::span<comparison_run const> runs, std::span<std::string const> strategies,
                               double evaluations, double tie) {
  json at{{"evaluations", evaluations}};
  for (auto const scale : {loss_scale::raw, loss_scale::logarithmic}) {
    json values;
    for (auto const& strategy : strategies) {
      std::vector<double> reached;
      for (auto const* run : runs_of(runs, strategy))
        if (auto const* row = row_within(*run, &comparison_row::evaluations, evaluations))
          reached.push_back(hypervolume_of(*row, scale));
      values[strategy] = spread(std::move(reached));
    }
    at[name_of(scale)] = {{"strategies", std::move(values)},
                          {"wilcoxon", tests_at(runs, strategies, evaluations, scale, tie)}};
  }
  return at;
}

}  // namespace amq::detail
