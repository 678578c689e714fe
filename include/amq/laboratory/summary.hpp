// A comparison in figures: who ends where, who differs from whom, and how soon targets are reached.
#pragma once

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/statistics.hpp"
#include "amq/indicate/expected_running_time.hpp"
#include "amq/indicate/friedman.hpp"
#include "amq/laboratory/comparison.hpp"
#include "amq/laboratory/curves.hpp"
#include "amq/laboratory/detail/checkpoint_figures.hpp"
#include "amq/laboratory/detail/strategy_figures.hpp"
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
