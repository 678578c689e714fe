// The multiple-choice knapsack: one level for each variable, least total cost within a size, for all sizes in one pass.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"

namespace amq {
namespace detail {

/// The greatest number that all sizes are whole multiples of, to working precision; empty when there is none that is
/// not tiny. Euclid's algorithm on doubles.
inline std::optional<double> common_unit(matrix_view<double const> sizes) {
  double largest = 0, unit = 0;
  for (index v = 0; v < sizes.rows; ++v)
    for (double const size : sizes.row(v))
      if (std::isfinite(size)) largest = std::max(largest, size);
  double const nothing = 1e-9 * largest;
  for (index v = 0; v < sizes.rows; ++v)
    for (double const size : sizes.row(v)) {
      if (!std::isfinite(size) || size <= nothing) continue;
      double a = std::max(unit, size), b = std::min(unit, size);
      while (b > nothing) {
        double const rest = a - b * std::round(a / b);
        a = b;
        b = std::abs(rest);
      }
      unit = a;
    }
  if (!(unit > 1e-6 * largest)) return std::nullopt;
  return unit;
}

/// Exact: best[s] over the first v variables, and which level the v-th one takes in it.
class knapsack_table {
 public:
  knapsack_table(matrix_view<double const> costs, matrix_view<double const> sizes, double unit, index total)
      : unit_(unit), total_(total), taken_(costs.rows, total + 1), steps_(costs.rows, costs.cols) {
    std::vector<double> best(static_cast<std::size_t>(total + 1), 0.0), next(best.size());
    for (index v = 0; v < costs.rows; ++v) {
      std::fill(next.begin(), next.end(), std::numeric_limits<double>::infinity());
      for (index level = 0; level < costs.cols; ++level) {
        if (!std::isfinite(sizes(v, level)) || !std::isfinite(costs(v, level))) continue;
        index const step = static_cast<index>(std::llround(sizes(v, level) / unit));
        steps_(v, level) = static_cast<std::int32_t>(step);
        for (index s = step; s <= total; ++s) {
          double const cost = best[static_cast<std::size_t>(s - step)] + costs(v, level);
          if (!(cost < next[static_cast<std::size_t>(s)])) continue;
          next[static_cast<std::size_t>(s)] = cost;
          taken_(v, s) = static_cast<gene>(level);
        }
      }
      std::swap(best, next);
    }
  }

  void within(double size, std::span<gene> out) const {
    double const steps = size / unit_ + 1e-6;  // may be infinite
    index room = steps >= static_cast<double>(total_) ? total_ : steps > 0 ? static_cast<index>(steps) : 0;
    for (index v = taken_.rows() - 1; v >= 0; --v) {
      gene const level = out[static_cast<std::size_t>(v)] = taken_(v, room);
      room -= steps_(v, level);
    }
  }

 private:
  double unit_;
  index total_;
  matrix<gene> taken_;          // (variables, sizes)
  matrix<std::int32_t> steps_;  // (variables, levels), in units
};

/// Nearly exact where there are many variables: steps along each variable's lower convex hull, most saving a size
/// first.
class knapsack_hull {
 public:
  knapsack_hull(matrix_view<double const> costs, matrix_view<double const> sizes) : variables_(costs.rows) {
    for (index v = 0; v < costs.rows; ++v) add(costs.row(v), sizes.row(v), v);
    std::stable_sort(steps_.begin(), steps_.end(), [](step const& a, step const& b) { return a.rate > b.rate; });
  }

  /// All steps that fit, in order; a variable whose step did not fit takes none after it.
  void within(double size, std::span<gene> out) const {
    std::fill(out.begin(), out.end(), gene{0});
    std::vector<bool> stuck(static_cast<std::size_t>(variables_), false);
    double room = size * (1 + 1e-12);
    for (auto const& s : steps_) {
      auto const v = static_cast<std::size_t>(s.variable);
      if (stuck[v]) continue;
      if (s.size > room) {
        stuck[v] = true;
        continue;
      }
      room -= s.size;
      out[v] = s.level;
    }
  }

 private:
  struct step {
    double rate;  // saving a size
    double size;
    index variable;
    gene level;
  };

  /// Levels rise in size; the next one on the hull is the one with the most saving a size.
  void add(std::span<double const> costs, std::span<double const> sizes, index v) {
    double last_rate = std::numeric_limits<double>::infinity();
    for (std::size_t here = 0;;) {
      std::size_t best = here;
      double best_rate = 0;
      for (std::size_t next = here + 1; next < costs.size(); ++next) {
        if (!std::isfinite(costs[next]) || !(sizes[next] > sizes[here])) continue;
        double const rate = (costs[here] - costs[next]) / (sizes[next] - sizes[here]);
        if (rate >= best_rate && rate > 0) best = next, best_rate = rate;
      }
      if (best == here) return;
      last_rate = std::min(last_rate, best_rate);  // on a straight line, rounding would let a step overtake
      steps_.push_back({last_rate, sizes[best] - sizes[here], v, static_cast<gene>(best)});
      here = best;
    }
  }

  index variables_;
  std::vector<step> steps_;
};

}  // namespace detail

/// Minimises sum_v costs(v, level_v) with sum_v sizes(v, level_v) <= size (Kellerer, Pferschy, Pisinger 2004, chapter
/// 11). costs and sizes are (variables, levels); a variable's lowest level has size 0, sizes rise with the level,
/// levels that a variable lacks are infinite. Exact dynamic programming, O(variables x levels x steps) once for all
/// sizes, while all sizes together are at most 2,000 steps of a common unit; otherwise the convex hull, O(n log n), off
/// by less than one step.
class multiple_choice_knapsack {
 public:
  static constexpr index most_steps = 2000;

  /// Throws precondition_error for different shapes, a variable whose lowest level is missing or has a size, or costs
  /// that are NaN.
  multiple_choice_knapsack(matrix_view<double const> costs, matrix_view<double const> sizes) {
    AMQ_EXPECTS(costs.rows == sizes.rows && costs.cols == sizes.cols,
                "a multiple-choice knapsack needs one size for each cost, not " + std::to_string(sizes.size()) +
                    " for " + std::to_string(costs.size()));
    for (index v = 0; v < costs.rows; ++v) {
      AMQ_EXPECTS(sizes(v, 0) == 0 && std::isfinite(costs(v, 0)),
                  "the lowest level of a knapsack's variable has size 0 and a finite cost; variable " +
                      std::to_string(v) + " has " + std::to_string(sizes(v, 0)) + " and " +
                      std::to_string(costs(v, 0)));
      double most = 0;
      for (index level = 0; level < costs.cols; ++level) {
        AMQ_EXPECTS(!std::isnan(costs(v, level)) && sizes(v, level) >= most,
                    "costs of a knapsack are numbers and sizes rise with the level; variable " + std::to_string(v) +
                        " breaks that at level " + std::to_string(level));
        if (std::isfinite(sizes(v, level))) most = sizes(v, level);
      }
      total_ += most;
    }
    auto const unit = detail::common_unit(sizes);
    index const steps = unit ? static_cast<index>(std::llround(total_ / *unit)) : most_steps + 1;
    if (steps <= most_steps)
      table_.emplace(costs, sizes, *unit, steps);
    else
      hull_.emplace(costs, sizes);
  }

  /// All variables at their largest.
  double total() const { return total_; }
  bool exact() const { return table_.has_value() || total_ == 0; }

  /// The best levels within this size; all lowest where not even they fit. O(variables).
  void within(double size, std::span<gene> out) const { table_ ? table_->within(size, out) : hull_->within(size, out); }

 private:
  double total_ = 0;
  std::optional<detail::knapsack_table> table_;
  std::optional<detail::knapsack_hull> hull_;
};

}  // namespace amq
