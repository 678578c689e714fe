// A comparison in figures: who ends where, who differs from whom, and how soon targets are reached.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/statistics.hpp"
#include "amq/indicate/friedman.hpp"
#include "amq/indicate/wilcoxon.hpp"
#include "amq/laboratory/comparison.hpp"
#include "amq/laboratory/curves.hpp"
#include "amq/laboratory/factorial.hpp"

namespace amq {

/// Of everything there is in a space.
struct best_hypervolumes {
  double raw = 0;
  double logarithmic = 0;
};

struct summary_options {
  index sensitivities = 0;                  ///< evaluations that the sensitivities take: checkpoints begin 50 later
  double tie = 0.001;                       ///< hypervolumes that differ by no more are equal
  std::string baseline = "amq";             ///< the strategy whose final quality the others are timed to
  std::optional<best_hypervolumes> best{};  ///< of a landscape that is completely known: regret is measured against it
};

namespace detail {

using json = nlohmann::ordered_json;

inline json number_or_null(std::optional<double> value) {
  return value && std::isfinite(*value) ? json(*value) : json(nullptr);
}

inline json spread(std::vector<double> values) {
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  if (values.empty()) return nullptr;
  auto const band = quartiles(values);
  return {{"mean", mean(values)},
          {"median", band.median},
          {"lower_quartile", band.lower},
          {"upper_quartile", band.upper},
          {"least", *std::min_element(values.begin(), values.end())},
          {"greatest", *std::max_element(values.begin(), values.end())}};
}

template <class Number>
json final_spread(std::span<comparison_run const* const> runs, Number const& number) {
  std::vector<double> values;
  for (auto const* run : runs)
    if (!run->rows.empty()) values.push_back(number(run->rows.back()));
  return spread(std::move(values));
}

inline char const* name_of(loss_scale scale) { return scale == loss_scale::raw ? "hypervolume" : "log_hypervolume"; }

inline json ranking_summary(std::span<comparison_run const* const> runs) {
  std::vector<double> kendall, spearman;
  for (auto const* run : runs)
    for (auto const& row : run->rows) {
      if (row.ranking.kendall) kendall.push_back(*row.ranking.kendall);
      if (row.ranking.spearman) spearman.push_back(*row.ranking.spearman);
    }
  json const near = number_or_null(pooled_pairs(runs, &batch_ranking::near, 0).tau());
  json const fresh = number_or_null(pooled_pairs(runs, &batch_ranking::fresh, 0).tau());
  return {{"batch_kendall", spread(std::move(kendall))},
          {"batch_spearman", spread(std::move(spearman))},
          {"near_tau", near},
          {"fresh_tau", fresh},
          {"near_tau_after_500", number_or_null(pooled_pairs(runs, &batch_ranking::near, 500).tau())},
          {"fresh_tau_after_500", number_or_null(pooled_pairs(runs, &batch_ranking::fresh, 500).tau())}};
}

inline json strategy_summary(std::span<comparison_run const* const> runs) {
  json summary;
  summary["runs"] = runs.size();
  summary["evaluations"] = final_spread(runs, [](auto const& row) { return row.evaluations; });
  summary["seconds"] = final_spread(runs, [](auto const& row) { return row.seconds; });
  summary["hypervolume"] = final_spread(runs, [](auto const& row) { return row.hypervolume; });
  summary["log_hypervolume"] = final_spread(runs, [](auto const& row) { return row.log_hypervolume; });
  for (std::size_t b = 0; b < reported_bits.size(); ++b)
    summary["loss_at_bits"].push_back(
        {{"bits", reported_bits[b]}, {"loss", final_spread(runs, [b](auto const& row) { return row.best[b]; })}});
  summary["ranking"] = ranking_summary(runs);
  return summary;
}

/// How much less than the best there is: at the end, and how soon little is left.
inline json regret_summary(std::span<comparison_run const* const> runs, double best, loss_scale scale) {
  json regret{{"final", final_spread(runs, [&](auto const& row) { return best - hypervolume_of(row, scale); })}};
  for (double const left : {0.01, 0.003, 0.001})
    regret["expected_running_time"].push_back(
        {{"regret", left},
         {"evaluations", number_or_null(expected_running_time(attempts_at(runs, scale, best - left)))}});
  return regret;
}

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

inline std::vector<double> final_values(std::span<comparison_run const* const> runs, loss_scale scale) {
  std::vector<double> values;
  for (auto const* run : runs)
    if (!run->rows.empty()) values.push_back(hypervolume_of(run->rows.back(), scale));
  return values;
}

/// Expected running times to shares of the best strategy's median final hypervolume.
inline json running_times(std::span<comparison_run const> runs, std::span<std::string const> strategies,
                          loss_scale scale) {
  double best = 0;
  for (auto const& strategy : strategies)
    if (auto const values = final_values(runs_of(runs, strategy), scale); !values.empty())
      best = std::max(best, median(values));
  json targets = json::array();
  for (double const share : {0.8, 0.9, 0.95, 0.98, 0.99, 1.0}) {
    json times;
    for (auto const& strategy : strategies)
      times[strategy] =
          number_or_null(expected_running_time(attempts_at(runs_of(runs, strategy), scale, share * best)));
    targets.push_back({{"target", share * best}, {"share_of_best", share}, {"evaluations", std::move(times)}});
  }
  return targets;
}

/// Evaluations of each strategy to the mean of the baseline's final hypervolumes.
inline json against_baseline(std::span<comparison_run const> runs, std::span<std::string const> strategies,
                             std::string const& baseline, loss_scale scale) {
  auto const base = runs_of(runs, baseline);
  double const target = mean(final_values(base, scale));
  std::vector<double> used;
  for (auto const* run : base) used.push_back(run->rows.empty() ? 0 : run->rows.back().evaluations);
  json reached;
  for (auto const& strategy : strategies) {
    auto const attempts = attempts_at(runs_of(runs, strategy), scale, target);
    std::vector<double> needed;
    for (auto const& one : attempts)
      if (one.reached) needed.push_back(one.evaluations);
    reached[strategy] = {{"runs", attempts.size()},
                         {"reached", needed.size()},
                         {"evaluations", spread(needed)},
                         {"ratio_of_medians", needed.empty() ? json(nullptr) : json(median(used) / median(needed))},
                         {"ratio_of_worst", needed.size() < attempts.size() || needed.empty()
                                                ? json(nullptr)
                                                : json(mean(used) / *std::max_element(needed.begin(), needed.end()))}};
  }
  return {{"target", target}, {"baseline_evaluations", spread(used)}, {"strategies", std::move(reached)}};
}

/// Blocks are the seeds that every strategy has; null with fewer than two of either.
inline json friedman_summary(std::span<comparison_run const> runs, std::span<std::string const> strategies,
                             loss_scale scale) {
  std::vector<std::vector<double>> blocks;
  for (auto const* first : runs_of(runs, strategies.front())) {
    std::vector<double> block;
    for (auto const& strategy : strategies)
      for (auto const* run : runs_of(runs, strategy))
        if (run->seed == first->seed && !run->rows.empty()) block.push_back(hypervolume_of(run->rows.back(), scale));
    if (block.size() == strategies.size()) blocks.push_back(std::move(block));
  }
  if (blocks.size() < 2 || strategies.size() < 2) return nullptr;
  matrix<double> values(std::ssize(blocks), std::ssize(strategies));
  for (index b = 0; b < values.rows(); ++b)
    std::ranges::copy(blocks[static_cast<std::size_t>(b)], values.row(b).begin());
  auto const test = friedman_test(values.view());
  json result{{"blocks", blocks.size()}, {"statistic", test.statistic}, {"p", test.p_value}, {"f_p", test.f_p_value}};
  for (std::size_t s = 0; s < strategies.size(); ++s) result["mean_ranks"][strategies[s]] = test.mean_ranks[s];
  for (auto const& pair : test.pairs)
    result["pairs"].push_back({{"first", strategies[static_cast<std::size_t>(pair.first)]},
                               {"second", strategies[static_cast<std::size_t>(pair.second)]},
                               {"p_holm", pair.p_value}});
  return result;
}

}  // namespace detail

/// Everything that `DIR/summary.json` says about finished runs: each strategy's final hypervolumes, losses, seconds and
/// rankings; at checkpoints Wilcoxon's test between each two (paired by seed, Holm over the pairs); Friedman's over
/// all; expected running times to targets; evaluations to the baseline's final mean where the baseline is among them;
/// regret where the best is known.
inline nlohmann::ordered_json summarise(comparison const& compared, std::span<compared_strategy const> strategies,
                                        summary_options const& options) {
  using detail::json;
  std::vector<std::string> names;
  for (auto const& strategy : strategies)
    if (!runs_of(compared.runs, strategy.name).empty()) names.push_back(strategy.name);
  json summary;
  auto const& frame = compared.frame;
  summary["frame"] = {{"lowest_bits", frame.lowest_bits},
                      {"highest_bits", frame.highest_bits},
                      {"lowest_loss", frame.lowest_loss},
                      {"highest_loss", frame.highest_loss}};
  if (names.empty()) return summary;
  double end = 0;
  for (auto const& run : compared.runs)
    if (!run.rows.empty()) end = std::max(end, run.rows.back().evaluations);
  for (auto const& name : names) summary["strategies"][name] = detail::strategy_summary(runs_of(compared.runs, name));
  if (options.best)
    for (auto const& name : names) {
      auto const runs = runs_of(compared.runs, name);
      summary["regret"][name] = {
          {"hypervolume", detail::regret_summary(runs, options.best->raw, loss_scale::raw)},
          {"log_hypervolume", detail::regret_summary(runs, options.best->logarithmic, loss_scale::logarithmic)}};
    }
  for (double const at : detail::checkpoints(options.sensitivities, end))
    summary["checkpoints"].push_back(detail::checkpoint_summary(compared.runs, names, at, options.tie));
  bool const has_baseline = std::find(names.begin(), names.end(), options.baseline) != names.end();
  for (auto const scale : {loss_scale::raw, loss_scale::logarithmic}) {
    auto const* const name = detail::name_of(scale);
    summary["friedman"][name] = detail::friedman_summary(compared.runs, names, scale);
    summary["expected_running_time"][name] = detail::running_times(compared.runs, names, scale);
    if (has_baseline)
      summary["to_" + options.baseline + "s_end"][name] =
          detail::against_baseline(compared.runs, names, options.baseline, scale);
  }
  return summary;
}

/// Which varied part makes the difference in the final hypervolume; null unless the strategies with factors are a full
/// factorial whose runs are all finished.
inline nlohmann::ordered_json summarise_factorial(comparison const& compared,
                                                  std::span<compared_strategy const> strategies) {
  using detail::json;
  json result = nullptr;
  for (auto const scale : {loss_scale::raw, loss_scale::logarithmic}) {
    std::vector<factorial_cell> cells;
    for (auto const& strategy : strategies)
      if (!strategy.factors.empty())
        cells.push_back({strategy.factors, detail::final_values(runs_of(compared.runs, strategy.name), scale)});
    if (cells.empty() || compared.interrupted) return nullptr;
    auto const effects = attribute_differences(cells);
    json described;
    for (auto const& factor : effects.factors)
      described["factors"][factor.factor] = {{"share_of_variance", factor.share}, {"levels", factor.levels}};
    described["interactions_share_of_variance"] = effects.interaction_share;
    described["seeds_share_of_variance"] = effects.seed_share;
    result[detail::name_of(scale)] = std::move(described);
  }
  return result;
}

}  // namespace amq
