// How well predictions agree with what was measured: RMSE, R2 and two rank correlations.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/statistics.hpp"

namespace amq {
namespace detail {

inline void expect_pairs(std::span<double const> a, std::span<double const> b) {
  AMQ_EXPECTS(a.size() == b.size() && !a.empty(),
              "a correlation needs one prediction for each target, and at least one");
}

/// Ranks from 1; equal values share the mean of theirs.
inline std::vector<double> average_ranks(std::span<double const> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    for (std::size_t k = first; k < last; ++k) ranks[order[k]] = 0.5 * static_cast<double>(first + 1 + last);
    first = last;
  }
  return ranks;
}

inline std::optional<double> pearson(std::span<double const> a, std::span<double const> b) {
  double const a_mean = mean(a);
  double const b_mean = mean(b);
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - a_mean) * (b[i] - b_mean);
    aa += (a[i] - a_mean) * (a[i] - a_mean);
    bb += (b[i] - b_mean) * (b[i] - b_mean);
  }
  if (!(aa > 0 && bb > 0)) return std::nullopt;
  return ab / std::sqrt(aa) / std::sqrt(bb);
}

/// Number of pairs within each run of equal elements of a sorted range.
template <class T, class Equal>
std::int64_t tied_pairs(std::vector<T> const& sorted, Equal equal) {
  std::int64_t pairs = 0;
  for (std::size_t first = 0; first < sorted.size();) {
    std::size_t last = first;
    while (last < sorted.size() && equal(sorted[last], sorted[first])) ++last;
    auto const run = static_cast<std::int64_t>(last - first);
    pairs += run * (run - 1) / 2;
    first = last;
  }
  return pairs;
}

/// Sorts values and counts the pairs that were out of order (merge sort). O(n log n).
inline std::int64_t sort_counting_inversions(std::span<double> values, std::vector<double>& scratch) {
  if (values.size() < 2) return 0;
  auto const left = values.first(values.size() / 2);
  auto const right = values.subspan(values.size() / 2);
  std::int64_t inversions = sort_counting_inversions(left, scratch) + sort_counting_inversions(right, scratch);
  scratch.clear();
  std::size_t l = 0;
  for (double const value : right) {
    for (; l < left.size() && left[l] <= value; ++l) scratch.push_back(left[l]);
    inversions += static_cast<std::int64_t>(left.size() - l);
    scratch.push_back(value);
  }
  scratch.insert(scratch.end(), left.begin() + static_cast<std::ptrdiff_t>(l), left.end());
  std::copy(scratch.begin(), scratch.end(), values.begin());
  return inversions;
}

}  // namespace detail

/// Root of the mean squared difference, in the units of the values.
inline double rmse(std::span<double const> predictions, std::span<double const> targets) {
  detail::expect_pairs(predictions, targets);
  double squares = 0;
  for (std::size_t i = 0; i < targets.size(); ++i)
    squares += (predictions[i] - targets[i]) * (predictions[i] - targets[i]);
  return std::sqrt(squares / static_cast<double>(targets.size()));
}

/// 1 - residual sum of squares / total sum of squares; empty when the targets are constant.
inline std::optional<double> r_squared(std::span<double const> predictions, std::span<double const> targets) {
  detail::expect_pairs(predictions, targets);
  double const centre = mean(targets);
  double residual = 0, total = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    residual += (targets[i] - predictions[i]) * (targets[i] - predictions[i]);
    total += (targets[i] - centre) * (targets[i] - centre);
  }
  if (!(total > 0)) return std::nullopt;
  return 1 - residual / total;
}

/// Spearman's rho: Pearson's correlation of average ranks; empty when either side is constant. O(n log n).
inline std::optional<double> spearman(std::span<double const> predictions, std::span<double const> targets) {
  detail::expect_pairs(predictions, targets);
  return detail::pearson(detail::average_ranks(predictions), detail::average_ranks(targets));
}

/// Kendall's tau-b, corrected for ties; empty when either side is constant. O(n log n) (Knight 1966).
inline std::optional<double> kendall_tau(std::span<double const> predictions, std::span<double const> targets) {
  detail::expect_pairs(predictions, targets);
  std::vector<std::pair<double, double>> pairs;
  for (std::size_t i = 0; i < targets.size(); ++i) pairs.emplace_back(predictions[i], targets[i]);
  std::sort(pairs.begin(), pairs.end());
  auto const tied_first = detail::tied_pairs(pairs, [](auto const& a, auto const& b) { return a.first == b.first; });
  auto const tied_both = detail::tied_pairs(pairs, [](auto const& a, auto const& b) { return a == b; });
  std::vector<double> seconds;
  for (auto const& pair : pairs) seconds.push_back(pair.second);
  std::vector<double> scratch;
  auto const discordant = detail::sort_counting_inversions(seconds, scratch);
  auto const tied_second = detail::tied_pairs(seconds, [](double a, double b) { return a == b; });
  auto const n = static_cast<std::int64_t>(pairs.size());
  auto const total = n * (n - 1) / 2;
  if (total == tied_first || total == tied_second) return std::nullopt;
  auto const score = static_cast<double>(total - tied_first - tied_second + tied_both - 2 * discordant);
  return score / std::sqrt(static_cast<double>(total - tied_first)) /
         std::sqrt(static_cast<double>(total - tied_second));
}

}  // namespace amq
