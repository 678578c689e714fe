// Which of several varied parts makes the difference: effects of a full factorial experiment.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/statistics.hpp"

namespace amq {

/// One combination of levels, and what it gave under each seed.
struct factorial_cell {
  std::map<std::string, std::string> levels;  ///< by factor
  std::vector<double> responses;
};

struct factor_effect {
  std::string factor;
  std::map<std::string, double> levels;  ///< mean response of each level minus the mean of all
  double share = 0;                      ///< of the variance of all responses
};

struct factorial_effects {
  std::vector<factor_effect> factors;  ///< by name
  double interaction_share = 0;        ///< what the combinations explain beyond the single factors
  double seed_share = 0;               ///< what is left: differences between seeds within a combination
};

namespace detail {

inline std::vector<double> responses_at(std::span<factorial_cell const> cells, std::string const& factor,
                                        std::string const& level) {
  std::vector<double> values;
  for (auto const& cell : cells)
    if (cell.levels.at(factor) == level) values.insert(values.end(), cell.responses.begin(), cell.responses.end());
  return values;
}

inline void expect_factorial(std::span<factorial_cell const> cells) {
  AMQ_EXPECTS(!cells.empty() && !cells[0].responses.empty(), "a factorial needs at least one cell with a response");
  std::map<std::string, std::map<std::string, int>> levels;
  for (auto const& cell : cells) {
    AMQ_EXPECTS(cell.responses.size() == cells[0].responses.size() && cell.levels.size() == cells[0].levels.size(),
                "a factorial needs the same factors and as many responses in every cell");
    for (auto const& [factor, level] : cell.levels) ++levels[factor][level];
  }
  std::size_t combinations = 1;
  for (auto const& [factor, counts] : levels) combinations *= counts.size();
  AMQ_EXPECTS(levels.size() == cells[0].levels.size() && combinations == cells.size(),
              "a factorial needs every combination of levels once: " + std::to_string(combinations) + ", not " +
                  std::to_string(cells.size()));
}

}  // namespace detail

/// Splits the variance of the responses of a full, balanced factorial into main effects, interactions and what is left
/// (analysis of variance; Montgomery, Design and Analysis of Experiments, chapter 5). Throws precondition_error for a
/// factorial that is not full or not balanced. O(cells seeds factors).
inline factorial_effects attribute_differences(std::span<factorial_cell const> cells) {
  detail::expect_factorial(cells);
  auto const seeds = static_cast<double>(cells[0].responses.size());
  std::vector<double> all;
  for (auto const& cell : cells) all.insert(all.end(), cell.responses.begin(), cell.responses.end());
  double const centre = mean(all);
  double total = 0, between = 0;
  for (double const response : all) total += std::pow(response - centre, 2);
  for (auto const& cell : cells) between += seeds * std::pow(mean(cell.responses) - centre, 2);
  auto const share = [total](double squares) { return total > 0 ? squares / total : 0; };
  factorial_effects effects;
  double explained = 0;
  for (auto const& [factor, ignored] : cells[0].levels) {
    factor_effect effect{factor, {}, 0};
    for (auto const& cell : cells) effect.levels.try_emplace(cell.levels.at(factor), 0.0);
    double squares = 0;
    for (auto& [level, difference] : effect.levels) {
      auto const values = detail::responses_at(cells, factor, level);
      difference = mean(values) - centre;
      squares += static_cast<double>(values.size()) * difference * difference;
    }
    effect.share = share(squares);
    explained += squares;
    effects.factors.push_back(std::move(effect));
  }
  effects.interaction_share = share(std::max(0.0, between - explained));
  effects.seed_share = share(std::max(0.0, total - between));
  return effects;
}

}  // namespace amq
