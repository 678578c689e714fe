// Runs as curves: what each had reached at a given cost, and bands over the runs of a strategy.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "amq/indicate/bands.hpp"
#include "amq/indicate/expected_running_time.hpp"
#include "amq/laboratory/run.hpp"

namespace amq {

/// Something that gives a number of a row: a function, or a pointer to a member.
template <class F>
concept row_number = requires(F const& f, comparison_row const& row) {
  { std::invoke(f, row) } -> std::convertible_to<double>;
};

inline double hypervolume_of(comparison_row const& row, loss_scale scale) {
  return scale == loss_scale::raw ? row.hypervolume : row.log_hypervolume;
}

/// The runs of one strategy, as views of `runs` in their order.
inline std::vector<comparison_run const*> runs_of(std::span<comparison_run const> runs, std::string const& strategy) {
  std::vector<comparison_run const*> chosen;
  for (auto const& run : runs)
    if (run.strategy == strategy) chosen.push_back(&run);
  return chosen;
}

/// The last row whose cost (rising from row to row) is at most `limit`; null where that is none.
inline comparison_row const* row_within(comparison_run const& run, row_number auto const& cost, double limit) {
  comparison_row const* last = nullptr;
  for (auto const& row : run.rows)
    if (std::invoke(cost, row) <= limit) last = &row;
  return last;
}

/// Quartiles over runs at rising costs. A run that ended keeps its last value; one that had not begun, or whose value
/// is not finite, is left out there, and a point without any run is left out altogether.
struct banded_curve {
  std::vector<double> costs;
  std::vector<quartile_band> bands;
};

inline banded_curve curve_of(std::span<comparison_run const* const> runs, row_number auto const& cost,
                             row_number auto const& value, std::span<double const> costs) {
  banded_curve curve;
  for (double const at : costs) {
    std::vector<double> values;
    for (auto const* run : runs)
      if (auto const* row = row_within(*run, cost, at); row != nullptr && std::isfinite(std::invoke(value, *row)))
        values.push_back(std::invoke(value, *row));
    if (values.empty()) continue;
    curve.costs.push_back(at);
    curve.bands.push_back(quartiles(values));
  }
  return curve;
}

/// What reaching a hypervolume took each run.
inline std::vector<attempt> attempts_at(std::span<comparison_run const* const> runs, loss_scale scale, double target) {
  std::vector<attempt> attempts;
  for (auto const* run : runs) {
    std::vector<double> evaluations, volumes;
    for (auto const& row : run->rows) {
      evaluations.push_back(row.evaluations);
      volumes.push_back(hypervolume_of(row, scale));
    }
    if (!volumes.empty()) attempts.push_back(first_reach(evaluations, volumes, target));
  }
  return attempts;
}

/// Pairs that predictors ordered right and wrong, over all rows whose prediction was made with at least `after`
/// evaluations known. `which` is &batch_ranking::near or &batch_ranking::fresh.
inline pair_counts pooled_pairs(std::span<comparison_run const* const> runs, pair_counts batch_ranking::*which,
                                double after) {
  pair_counts total;
  for (auto const* run : runs)
    for (std::size_t i = 1; i < run->rows.size(); ++i) {
      if (run->rows[i - 1].evaluations < after) continue;
      total.concordant += (run->rows[i].ranking.*which).concordant;
      total.discordant += (run->rows[i].ranking.*which).discordant;
    }
  return total;
}

}  // namespace amq
