// Who becomes a parent and who survives: NSGA-II's tournament and survival as free functions.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "amq/core/matrix.hpp"
#include "amq/core/random.hpp"
#include "amq/indicate/crowding.hpp"
#include "amq/indicate/pareto.hpp"

namespace amq {

/// Rows that survive, best front first and in their order within a front; the last front is cut by crowding distance,
/// lonely ones first. `crowding[i]` belongs to rows[i] and is that within its whole front (Deb et al. 2002).
struct survivors {
  std::vector<index> rows;
  std::vector<double> crowding;
};
inline survivors rank_and_crowding_survival(matrix_view<double const> objectives, index count) {
  survivors result;
  for (auto const& front : fronts_by_rank(non_dominated_ranks(objectives))) {
    auto const room = count - std::ssize(result.rows);
    if (room <= 0) break;
    auto const crowding = crowding_distances(objectives, front);
    std::vector<std::size_t> order(front.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    if (std::ssize(front) > room) {
      std::stable_sort(order.begin(), order.end(),
                       [&](std::size_t a, std::size_t b) { return crowding[a] > crowding[b]; });
      order.resize(static_cast<std::size_t>(room));
    }
    for (std::size_t const i : order) {
      result.rows.push_back(front[i]);
      result.crowding.push_back(crowding[i]);
    }
  }
  return result;
}

/// The winner of two rows: the one that dominates, else the lonelier, else either.
inline index binary_tournament(index a, index b, matrix_view<double const> objectives, std::span<double const> crowding,
                               random_stream& random) {
  if (dominates(objectives.row(a), objectives.row(b))) return a;
  if (dominates(objectives.row(b), objectives.row(a))) return b;
  double const a_room = crowding[static_cast<std::size_t>(a)], b_room = crowding[static_cast<std::size_t>(b)];
  if (a_room != b_room) return a_room > b_room ? a : b;
  return random.bernoulli(0.5) ? a : b;
}

/// `count` parents by tournaments over random permutations of the rows, so that each row takes part equally often.
inline std::vector<index> select_parents(index count, matrix_view<double const> objectives,
                                         std::span<double const> crowding, random_stream& random) {
  std::vector<index> entrants;
  while (std::ssize(entrants) < 2 * count) {
    auto const order = random.permutation(objectives.rows);
    entrants.insert(entrants.end(), order.begin(), order.end());
  }
  std::vector<index> parents;
  for (std::size_t i = 0; std::ssize(parents) < count; i += 2)
    parents.push_back(binary_tournament(entrants[i], entrants[i + 1], objectives, crowding, random));
  return parents;
}

}  // namespace amq
