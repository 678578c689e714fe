// Repair: individuals that broke a rule are brought back to it, with as little change as the rule wants.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/random.hpp"

namespace amq {

/// Variables that must have one gene in common, as layers that a program fuses must have one format.
using tied_variables = std::vector<index>;

/// The genes of each group become their median (the lower one of two). Where group members take different numbers of
/// levels, the median is cut to the fewest. O(genes log genes).
inline void repair_ties(std::span<gene> genes, std::span<int const> levels, std::span<tied_variables const> groups) {
  for (auto const& group : groups) {
    std::vector<gene> values;
    int fewest = std::numeric_limits<gene>::max() + 1;
    for (index const v : group) {
      values.push_back(genes[static_cast<std::size_t>(v)]);
      fewest = std::min(fewest, levels[static_cast<std::size_t>(v)]);
    }
    if (values.empty()) continue;
    auto const middle = values.begin() + (std::ssize(values) - 1) / 2;
    std::nth_element(values.begin(), middle, values.end());
    for (index const v : group)
      genes[static_cast<std::size_t>(v)] = static_cast<gene>(std::min<int>(*middle, fewest - 1));
  }
}

/// What an individual's levels add up to. sizes (variables, most levels) as `sized_problem` has them. O(genes).
inline double size_of(std::span<gene const> genes, matrix_view<double const> sizes) {
  double total = 0;
  for (index v = 0; v < sizes.rows; ++v) total += sizes(v, genes[static_cast<std::size_t>(v)]);
  return total;
}

namespace detail {

/// The next lower level of variable v that is strictly smaller, or -1. Levels of equal size are passed over.
inline int next_smaller_level(matrix_view<double const> sizes, index v, int level) {
  for (int lower = level - 1; lower >= 0; --lower)
    if (sizes(v, lower) < sizes(v, level)) return lower;
  return -1;
}

inline double least_size(matrix_view<double const> sizes) {
  double total = 0;
  for (index v = 0; v < sizes.rows; ++v) total += *std::ranges::min_element(sizes.row(v));
  return total;
}

/// The groups, and every variable that is in none as a group of its own.
inline std::vector<tied_variables> units_of(index variables, std::span<tied_variables const> groups) {
  std::vector<tied_variables> units;
  std::vector<bool> grouped(static_cast<std::size_t>(variables), false);
  for (auto const& group : groups) {
    if (!group.empty()) units.push_back(group);
    for (index const v : group) grouped[static_cast<std::size_t>(v)] = true;
  }
  for (index v = 0; v < variables; ++v)
    if (!grouped[static_cast<std::size_t>(v)]) units.push_back({v});
  return units;
}

}  // namespace detail

/// Lowers genes, one random variable a level at a time, until the individual is no larger than `budget`; one within the
/// budget (up to rounding: a part in 10^12 of it) is left alone. sizes (variables, most levels) as `sized_problem` has
/// them, rising with the level, equal ones allowed. O(genes x lowered levels). Throws input_error when the budget is
/// below the least size there is.
inline void repair_to_budget(std::span<gene> genes, matrix_view<double const> sizes, double budget,
                             random_stream& random) {
  double const within = budget + 1e-12 * std::max(1.0, std::abs(budget));
  if (size_of(genes, sizes) <= within) return;
  if (detail::least_size(sizes) > within)
    throw input_error("No individual is within a budget of " + std::to_string(budget) + ": the smallest there is has " +
                      std::to_string(detail::least_size(sizes)) + ".");
  std::vector<index> above;  // variables that can still be lowered
  for (index v = 0; v < sizes.rows; ++v)
    if (detail::next_smaller_level(sizes, v, genes[static_cast<std::size_t>(v)]) >= 0) above.push_back(v);
  while (size_of(genes, sizes) > within && !above.empty()) {
    auto const place = static_cast<std::size_t>(random.below(std::ssize(above)));
    index const v = above[place];
    int const lower = detail::next_smaller_level(sizes, v, genes[static_cast<std::size_t>(v)]);
    genes[static_cast<std::size_t>(v)] = static_cast<gene>(lower);
    if (detail::next_smaller_level(sizes, v, lower) >= 0) continue;
    above[place] = above.back();
    above.pop_back();
  }
}

/// As above where variables are tied: a group, whose genes must be equal, is lowered as one.
inline void repair_to_budget(std::span<gene> genes, matrix_view<double const> sizes, double budget,
                             std::span<tied_variables const> groups, random_stream& random) {
  auto const units = detail::units_of(sizes.rows, groups);
  matrix<double> together(std::ssize(units), sizes.cols);
  std::vector<gene> levels;
  for (index u = 0; u < together.rows(); ++u) {
    auto const& unit = units[static_cast<std::size_t>(u)];
    levels.push_back(genes[static_cast<std::size_t>(unit[0])]);
    for (index const v : unit)
      for (index level = 0; level < sizes.cols; ++level) together(u, level) += sizes(v, level);
  }
  repair_to_budget(levels, together, budget, random);
  for (std::size_t u = 0; u < units.size(); ++u)
    for (index const v : units[u]) genes[static_cast<std::size_t>(v)] = levels[u];
}

/// A mutation whose result is repaired: tied variables are equal again, and the individual is within the budget.
template <class Mutation>
struct repaired_mutation {
  Mutation mutation{};
  std::vector<tied_variables> groups{};
  std::shared_ptr<matrix<double> const> sizes{};  ///< (variables, most levels); none: there is no budget
  double budget = 0;

  void operator()(std::span<gene> genes, std::span<int const> levels, random_stream& random) const {
    mutation(genes, levels, random);
    repair_ties(genes, levels, groups);
    if (sizes) repair_to_budget(genes, *sizes, budget, groups, random);
  }
};

}  // namespace amq
