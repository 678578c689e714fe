// Whether several treatments differ over the same blocks, and which: Friedman's test, Holm's correction.
#pragma once

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/special_functions/erf.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/indicate/correlation.hpp"

namespace amq {

/// Adjusts p-values of several tests made at once: rejecting those below alpha keeps the chance of any false rejection
/// below alpha (Holm 1979). Same order as given. O(n log n).
inline std::vector<double> holm_adjusted(std::span<double const> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double greatest = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    greatest = std::max(greatest, std::min(1.0, static_cast<double>(order.size() - k) * p_values[order[k]]));
    adjusted[order[k]] = greatest;
  }
  return adjusted;
}

struct friedman_pair {
  index first = 0;
  index second = 0;
  double p_value = 1;  ///< Holm-adjusted over all pairs
};

struct friedman_result {
  std::vector<double> mean_ranks;    ///< of each treatment; 1 is best
  double statistic = 0;              ///< Friedman's chi-squared, corrected for ties
  double p_value = 1;                ///< from chi-squared with treatments - 1 degrees of freedom
  double f_p_value = 1;              ///< Iman and Davenport's (1980) less conservative one
  std::vector<friedman_pair> pairs;  ///< every pair of treatments, rising
};

namespace detail {

/// Ranks of each block's values, 1 for the greatest; (blocks, treatments).
inline matrix<double> ranks_by_block(matrix_view<double const> values) {
  matrix<double> ranks(values.rows, values.cols);
  for (index b = 0; b < values.rows; ++b) {
    std::vector<double> negated;
    for (double const v : values.row(b)) negated.push_back(-v);
    std::ranges::copy(average_ranks(negated), ranks.row(b).begin());
  }
  return ranks;
}

/// Holm over the normal approximation of differences of mean ranks (Demsar, JMLR 7, 2006, section 3.2.2).
inline std::vector<friedman_pair> compare_ranks(std::span<double const> mean_ranks, index blocks) {
  auto const k = static_cast<double>(mean_ranks.size());
  double const deviation = std::sqrt(k * (k + 1) / (6 * static_cast<double>(blocks)));
  std::vector<friedman_pair> pairs;
  std::vector<double> p_values;
  for (std::size_t i = 0; i < mean_ranks.size(); ++i)
    for (std::size_t j = i + 1; j < mean_ranks.size(); ++j) {
      pairs.push_back({static_cast<index>(i), static_cast<index>(j)});
      p_values.push_back(boost::math::erfc(std::abs(mean_ranks[i] - mean_ranks[j]) / deviation / std::sqrt(2.0)));
    }
  auto const adjusted = holm_adjusted(p_values);
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i].p_value = adjusted[i];
  return pairs;
}

}  // namespace detail

/// values (blocks, treatments): blocks are landscapes or seeds, treatments are strategies, greater is better. O(blocks
/// treatments log treatments). Throws precondition_error for fewer than 2 blocks or treatments and for NaN.
inline friedman_result friedman_test(matrix_view<double const> values) {
  AMQ_EXPECTS(values.rows >= 2 && values.cols >= 2, "friedman_test needs at least 2 blocks and 2 treatments, not " +
                                                        std::to_string(values.rows) + " and " +
                                                        std::to_string(values.cols));
  for (index b = 0; b < values.rows; ++b)
    for (double const v : values.row(b))
      AMQ_EXPECTS(!std::isnan(v), "friedman_test got NaN in block " + std::to_string(b));
  auto const ranks = detail::ranks_by_block(values);
  auto const n = static_cast<double>(values.rows);
  auto const k = static_cast<double>(values.cols);
  friedman_result result;
  double between = 0, total = 0;  // squares about the middle rank
  for (index t = 0; t < values.cols; ++t) {
    double sum = 0;
    for (index b = 0; b < values.rows; ++b) {
      sum += ranks(b, t);
      total += std::pow(ranks(b, t) - (k + 1) / 2, 2);
    }
    result.mean_ranks.push_back(sum / n);
    between += std::pow(sum / n - (k + 1) / 2, 2) * n;
  }
  result.pairs = detail::compare_ranks(result.mean_ranks, values.rows);
  if (!(total > 0)) return result;  // all equal everywhere
  double const most = n * (k - 1);
  result.statistic = most * between / total;
  result.p_value = boost::math::cdf(boost::math::complement(boost::math::chi_squared(k - 1), result.statistic));
  if (result.statistic >= most * (1 - 1e-12)) {  // the same order in every block
    result.f_p_value = 0;
    return result;
  }
  double const f = (n - 1) * result.statistic / (most - result.statistic);
  result.f_p_value = boost::math::cdf(boost::math::complement(boost::math::fisher_f(k - 1, (k - 1) * (n - 1)), f));
  return result;
}

}  // namespace amq
