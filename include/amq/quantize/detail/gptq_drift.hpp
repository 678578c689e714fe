// GPTAQ's term (arXiv 2504.02692): weights make up for the drift of their inputs from the unquantized model's.
#pragma once

#include <Eigen/Core>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/quantize/detail/gptq_factor.hpp"

namespace amq::detail {

/// Adds `share` times w_q D[q, F] H_FF^-1, summed over columns q, to the weights of the columns F after q, in
/// processing order: what they must take over so that inputs that have drifted by D give the unquantized outputs.
/// With H = R R^T that is W strictly_upper(D R^-T) R^-1. `weights` (cols, rows and padding) is transposed.
/// O(cols^2 (cols + rows)).
inline void correct_drift(gptq_factor const& factor, matrix_view<float const> drift, double share,
                          matrix_view<float> weights) {
  using dense_rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  index const n = weights.rows;
  AMQ_EXPECTS(drift.rows == n && drift.cols == n, "statistics of the drift are (" + std::to_string(n) + ", " +
                                                      std::to_string(n) + "), not (" + std::to_string(drift.rows) +
                                                      ", " + std::to_string(drift.cols) + ")");
  dense_rows ordered(n, n);
  for (index i = 0; i < n; ++i)
    for (index j = 0; j < n; ++j)
      ordered(i, j) = drift(factor.order[static_cast<std::size_t>(i)], factor.order[static_cast<std::size_t>(j)]);
  Eigen::Map<dense_rows const> const triangle(factor.triangle.data(), n, n);
  Eigen::Map<dense_rows, 0, Eigen::OuterStride<>> own(weights.data, n, weights.cols,
                                                      Eigen::OuterStride<>(weights.stride));
  triangle.triangularView<Eigen::Lower>().solveInPlace<Eigen::OnTheRight>(ordered);
  // Transposed: (W M R^-1)^T = R^-T M^T W^T.
  dense_rows correction = ordered.triangularView<Eigen::StrictlyUpper>().transpose() * own;
  triangle.triangularView<Eigen::Lower>().solveInPlace(correction);
  own += static_cast<float>(share) * correction;
}

}  // namespace amq::detail
