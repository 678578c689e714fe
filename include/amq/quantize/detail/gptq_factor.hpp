// The triangle that GPTQ's recursion runs on, from a Hessian in the order in which its columns are quantized.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/quantize/detail/group_range.hpp"

namespace amq::detail {

/// `triangle` (cols, cols) is lower triangular with H = triangle^T triangle for the damped Hessian H in processing
/// order. Position k of the recursion quantizes column order[k].
struct gptq_factor {
  matrix<float> triangle;
  std::vector<index> order;
  std::vector<bool> dead;  ///< by column: the Hessian's diagonal is 0
  double damping = 0;      ///< the share of the mean diagonal that was added in the end
  std::string note;        ///< what the user should know, as one sentence; mostly empty

  bool all_dead() const {
    return std::all_of(dead.begin(), dead.end(), [](bool one) { return one; });
  }
};

inline void check_hessian(matrix_view<float const> hessian, index cols) {
  if (hessian.rows != cols || hessian.cols != cols)
    throw input_error("GPTQ needs a Hessian of (" + std::to_string(cols) + ", " + std::to_string(cols) + "), not (" +
                      std::to_string(hessian.rows) + ", " + std::to_string(hessian.cols) +
                      "); give the quantizer calibration statistics of this layer");
  for (index row = 0; row < cols; ++row)
    if (!simd::range_of(hessian.row(row).data(), cols).finite)
      throw input_error("row " + std::to_string(row) +
                        " of the Hessian is not finite; the activations overflow when squared, so check the model");
}

inline std::vector<bool> dead_columns(matrix_view<float const> hessian) {
  std::vector<bool> dead(static_cast<std::size_t>(hessian.rows));
  for (index j = 0; j < hessian.rows; ++j) dead[static_cast<std::size_t>(j)] = hessian(j, j) == 0;
  return dead;
}

/// All columns as they are, or with the largest diagonal of the Hessian (dead columns count as 1) first.
inline std::vector<index> processing_order(matrix_view<float const> hessian, bool by_diagonal) {
  std::vector<index> order(static_cast<std::size_t>(hessian.rows));
  std::iota(order.begin(), order.end(), index{0});
  if (!by_diagonal) return order;
  auto const diagonal = [&](index j) { return hessian(j, j) == 0 ? 1.0f : hessian(j, j); };
  std::stable_sort(order.begin(), order.end(), [&](index a, index b) { return diagonal(a) > diagonal(b); });
  return order;
}

/// GPTQ needs the inverse of an upper triangle R with H = R R^T. Reversing rows and columns of H turns that into an
/// ordinary factorization U^T U, and reversing U turns it into R^T.
template <class Factorizer>
bool factorize_reversed(matrix_view<float const> hessian, std::vector<bool> const& dead, std::span<index const> order,
                        double added, Factorizer factorizer, matrix<float>& out) {
  index const n = hessian.rows;
  for (index i = 0; i < n; ++i) {
    index const row = order[static_cast<std::size_t>(n - 1 - i)];
    float* const to = out.row(i).data();
    for (index j = 0; j < n; ++j) to[j] = hessian(row, order[static_cast<std::size_t>(n - 1 - j)]);
    double const diagonal = dead[static_cast<std::size_t>(row)] ? 1.0 : double{to[i]};
    to[i] = static_cast<float>(diagonal + added);
  }
  if (!factorizer.factorize(out)) return false;
  std::reverse(out.data(), out.data() + out.size());
  for (index i = 0; i < n; ++i)
    if (!(out(i, i) > 0) || !std::isfinite(out(i, i))) return false;
  return true;
}

inline std::string damping_note(double wanted, double used) {
  std::ostringstream text;
  text << "the Hessian is not positive definite with a damping of " << wanted << "; it was raised to " << used
       << "; more calibration tokens make it better posed";
  return text.str();
}

/// Damps the diagonal by `damping` times its mean, ten times as much where the Hessian is not positive definite then.
/// Throws input_error for a Hessian of another size or with values that are not finite. cols^3 / 3 operations each try.
template <class Factorizer>
gptq_factor factorize_hessian(matrix_view<float const> hessian, std::vector<index> order, double damping,
                              Factorizer factorizer) {
  constexpr double least_raised = 1e-3;
  constexpr int most_tries = 12;
  index const n = hessian.rows;
  gptq_factor factor{matrix<float>(n, n), std::move(order), dead_columns(hessian), damping, {}};
  double mean = 0;
  for (index j = 0; j < n; ++j) mean += factor.dead[static_cast<std::size_t>(j)] ? 1.0 : double{hessian(j, j)};
  mean = std::abs(mean) / static_cast<double>(n);
  for (int tries = 0; tries < most_tries; ++tries) {
    if (factorize_reversed(hessian, factor.dead, factor.order, factor.damping * mean, factorizer, factor.triangle)) {
      if (tries > 0) factor.note = damping_note(damping, factor.damping);
      if (factor.all_dead())
        factor.note = "no calibration token gives an input other than 0, so weights are rounded to nearest";
      return factor;
    }
    factor.damping = std::max(10 * factor.damping, least_raised);
  }
  throw input_error("the Hessian is not positive definite, not even with a damping of " +
                    std::to_string(factor.damping / 10) + " times its mean diagonal; it is not X^T X of any inputs");
}

}  // namespace amq::detail
