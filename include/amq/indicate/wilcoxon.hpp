// Whether one of two paired samples is greater: Wilcoxon's signed-rank test.
#pragma once

#include <boost/math/special_functions/erf.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/indicate/correlation.hpp"

namespace amq {

struct signed_rank_result {
  index pairs = 0;            ///< that differ by more than the threshold; the others are left out (Wilcoxon 1945)
  double rank_sum = 0;        ///< of the pairs in which the first sample is greater
  double rank_sum_other = 0;  ///< of those in which the second one is
  double p_value = 1;         ///< two-sided; 1 where no pair differs
  bool exact = false;         ///< from the distribution itself, not from a normal one
};

namespace detail {

inline constexpr index most_exact_pairs = 50;

/// Share of the 2^n sign patterns of ranks 1 .. n whose positive ranks add up to at most `sum`.
inline double signed_rank_distribution(index n, double sum) {
  index const total = n * (n + 1) / 2;
  std::vector<double> share(static_cast<std::size_t>(total + 1), 0.0);  // of patterns by rank sum
  share[0] = 1;
  for (index rank = 1; rank <= n; ++rank)
    for (index s = total; s >= 0; --s) {
      double const with = s >= rank ? share[static_cast<std::size_t>(s - rank)] : 0;
      share[static_cast<std::size_t>(s)] = 0.5 * (share[static_cast<std::size_t>(s)] + with);
    }
  double below = 0;
  for (index s = 0; s <= std::min(total, static_cast<index>(sum)); ++s) below += share[static_cast<std::size_t>(s)];
  return below;
}

/// Normal approximation with the corrections for continuity and for tied ranks.
inline double normal_signed_rank_p(double rank_sum, std::span<double const> ranks) {
  double const n = static_cast<double>(ranks.size());
  double variance = 0;  // sum of squared ranks / 4 is the variance with ties as without
  for (double const rank : ranks) variance += rank * rank / 4;
  double const distance = std::abs(rank_sum - n * (n + 1) / 4);
  return boost::math::erfc(std::max(0.0, distance - 0.5) / std::sqrt(2 * variance));
}

}  // namespace detail

/// Tests whether first[i] - second[i] lies around 0. Differences of at most `tie_threshold` are ties and left out.
/// Exact for up to 50 pairs whose differences are all of different size, else the normal approximation with continuity
/// and tie correction. Wilcoxon, Biometrics 1 (1945); O(n^3) at most where exact. Throws precondition_error for samples
/// of different sizes and for NaN.
inline signed_rank_result wilcoxon_signed_rank(std::span<double const> first, std::span<double const> second,
                                               double tie_threshold = 0) {
  AMQ_EXPECTS(first.size() == second.size(), "wilcoxon_signed_rank needs pairs, not " + std::to_string(first.size()) +
                                                 " and " + std::to_string(second.size()) + " values");
  std::vector<double> sizes;
  std::vector<bool> positive;
  for (std::size_t i = 0; i < first.size(); ++i) {
    double const difference = first[i] - second[i];
    AMQ_EXPECTS(!std::isnan(difference), "wilcoxon_signed_rank got NaN in pair " + std::to_string(i));
    if (std::abs(difference) <= tie_threshold) continue;
    sizes.push_back(std::abs(difference));
    positive.push_back(difference > 0);
  }
  signed_rank_result result;
  result.pairs = std::ssize(sizes);
  if (sizes.empty()) return result;
  auto const ranks = detail::average_ranks(sizes);
  for (std::size_t i = 0; i < ranks.size(); ++i) (positive[i] ? result.rank_sum : result.rank_sum_other) += ranks[i];
  std::sort(sizes.begin(), sizes.end());
  result.exact =
      result.pairs <= detail::most_exact_pairs && std::adjacent_find(sizes.begin(), sizes.end()) == sizes.end();
  double const least = std::min(result.rank_sum, result.rank_sum_other);
  result.p_value = result.exact ? std::min(1.0, 2 * detail::signed_rank_distribution(result.pairs, least))
                                : detail::normal_signed_rank_p(result.rank_sum, ranks);
  return result;
}

}  // namespace amq
