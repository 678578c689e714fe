// What a summary says about the runs of one strategy.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "amq/core/statistics.hpp"
#include "amq/indicate/bands.hpp"
#include "amq/indicate/expected_running_time.hpp"
#include "amq/laboratory/curves.hpp"

namespace amq::detail {

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

inline std::vector<double> final_values(std::span<comparison_run const* const> runs, loss_scale scale) {
  std::vector<double> values;
  for (auto const* run : runs)
    if (!run->rows.empty()) values.push_back(hypervolume_of(run->rows.back(), scale));
  return values;
}

}  // namespace amq::detail
