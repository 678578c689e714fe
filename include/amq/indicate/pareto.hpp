// Which points of a set are dominated, and by how many fronts.
#pragma once

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "amq/core/matrix.hpp"

namespace amq {

/// Whether a is nowhere worse than b and somewhere better; all objectives are minimised. Equal points do not dominate
/// each other. O(objectives).
inline bool dominates(std::span<double const> a, std::span<double const> b) {
  bool better = false;
  for (std::size_t m = 0; m < a.size(); ++m) {
    if (a[m] > b[m]) return false;
    better = better || a[m] < b[m];
  }
  return better;
}

namespace detail {

/// NaN cannot be ordered: it counts as the worst value there is.
inline double orderable(double value) { return value == value ? value : std::numeric_limits<double>::infinity(); }

/// In lexicographic order a point belongs to the first front whose last member has a greater second objective.
inline std::vector<int> ranks_of_two(matrix_view<double const> objectives) {
  struct point {
    double first, second;
    index at;
  };
  std::vector<point> points;
  points.reserve(static_cast<std::size_t>(objectives.rows));
  for (index i = 0; i < objectives.rows; ++i)
    points.push_back({orderable(objectives(i, 0)), orderable(objectives(i, 1)), i});
  std::sort(points.begin(), points.end(), [](point const& a, point const& b) {
    if (a.first != b.first) return a.first < b.first;
    return a.second != b.second ? a.second < b.second : a.at < b.at;
  });
  std::vector<int> ranks(points.size());
  std::vector<double> least_second;  // of each front so far; ascending
  for (std::size_t i = 0; i < points.size(); ++i) {
    auto const [first, second, at] = points[i];
    bool const repeated = i > 0 && points[i - 1].first == first && points[i - 1].second == second;
    auto const front =
        repeated ? static_cast<std::size_t>(ranks[static_cast<std::size_t>(points[i - 1].at)])
                 : static_cast<std::size_t>(std::upper_bound(least_second.begin(), least_second.end(), second) -
                                            least_second.begin());
    if (front == least_second.size()) least_second.push_back(second);
    least_second[front] = second;
    ranks[static_cast<std::size_t>(at)] = static_cast<int>(front);
  }
  return ranks;
}

/// Peels fronts by counting dominators (Deb et al. 2002, fast non-dominated sort).
inline std::vector<int> ranks_of_many(matrix_view<double const> objectives) {
  index const n = objectives.rows;
  matrix<double> ordered(n, objectives.cols);
  for (index i = 0; i < n; ++i)
    for (index m = 0; m < objectives.cols; ++m) ordered(i, m) = orderable(objectives(i, m));
  std::vector<int> ranks(static_cast<std::size_t>(n), 0);
  std::vector<index> dominators(static_cast<std::size_t>(n), 0);
  std::vector<std::vector<index>> dominated(static_cast<std::size_t>(n));
  for (index i = 0; i < n; ++i)
    for (index j = 0; j < n; ++j)
      if (dominates(ordered.row(i), ordered.row(j))) {
        dominated[static_cast<std::size_t>(i)].push_back(j);
        ++dominators[static_cast<std::size_t>(j)];
      }
  std::vector<index> front;
  for (index i = 0; i < n; ++i)
    if (dominators[static_cast<std::size_t>(i)] == 0) front.push_back(i);
  for (int rank = 0; !front.empty(); ++rank) {
    std::vector<index> next;
    for (index const i : front) {
      ranks[static_cast<std::size_t>(i)] = rank;
      for (index const j : dominated[static_cast<std::size_t>(i)])
        if (--dominators[static_cast<std::size_t>(j)] == 0) next.push_back(j);
    }
    front = std::move(next);
  }
  return ranks;
}

}  // namespace detail

/// The front that each row of objectives (points, objectives) belongs to: 0 for those that nothing dominates, 1 for
/// those that only front 0 dominates, ... O(n log n) for two objectives, O(n^2) per objective for more. NaN is worst.
inline std::vector<int> non_dominated_ranks(matrix_view<double const> objectives) {
  return objectives.cols == 2 ? detail::ranks_of_two(objectives) : detail::ranks_of_many(objectives);
}

/// Rows of rank 0, ascending.
inline std::vector<index> front_indices(matrix_view<double const> objectives) {
  auto const ranks = non_dominated_ranks(objectives);
  std::vector<index> front;
  for (std::size_t i = 0; i < ranks.size(); ++i)
    if (ranks[i] == 0) front.push_back(static_cast<index>(i));
  return front;
}

/// Rows grouped by rank, best front first, ascending within a front.
inline std::vector<std::vector<index>> fronts_by_rank(std::span<int const> ranks) {
  std::vector<std::vector<index>> fronts;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    auto const rank = static_cast<std::size_t>(ranks[i]);
    if (rank >= fronts.size()) fronts.resize(rank + 1);
    fronts[rank].push_back(static_cast<index>(i));
  }
  return fronts;
}

}  // namespace amq
