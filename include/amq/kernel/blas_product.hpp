// The same product through a BLAS of the user's choice; nothing else of amq includes this header.
#pragma once

#include <algorithm>
#include <concepts>
#include <string>
#include <utility>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// A function for c (m, n) = a (m, k) b^T with b (n, k), all row-major, each with its stride. For any CBLAS (OpenBLAS,
/// MKL, BLIS, Accelerate):
///
///     auto const sgemm = [](index m, index n, index k, float const* a, index a_stride, float const* b, index b_stride,
///                           float* c, index c_stride) {
///       cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, int(m), int(n), int(k), 1, a, int(a_stride), b,
///                   int(b_stride), 0, c, int(c_stride));
///     };
template <class F>
concept sgemm_function =
    std::invocable<F const&, index, index, index, float const*, index, float const*, index, float*, index>;

/// W (rows, cols) = (outputs, inputs), copied as it is, multiplied by `Sgemm`: `dense_matrix`'s interface for machines
/// whose BLAS is faster. A BLAS promises neither the same bits for a row alone and in a block nor for any number of
/// threads; with it, losses depend on how positions are batched.
template <sgemm_function Sgemm>
class blas_matrix {
 public:
  explicit blas_matrix(matrix_view<float const> weights, Sgemm sgemm = {})
      : weights_(weights.rows, weights.cols), sgemm_(std::move(sgemm)) {
    for (index row = 0; row < weights.rows; ++row)
      std::copy(weights.row(row).begin(), weights.row(row).end(), weights_.row(row).begin());
  }

  index rows() const { return weights_.rows(); }
  index cols() const { return weights_.cols(); }

  /// y (tokens, rows) = x (tokens, cols) W^T. Throws precondition_error when the shapes disagree.
  void multiply(matrix_view<float const> x, matrix_view<float> y) const {
    AMQ_EXPECTS(x.cols == cols() && y.cols == rows() && x.rows == y.rows,
                "a product with a (" + std::to_string(rows()) + ", " + std::to_string(cols()) +
                    ") matrix takes rows of its inputs and gives as many rows of its outputs");
    if (x.rows > 0) sgemm_(x.rows, rows(), cols(), x.data, x.stride, weights_.data(), cols(), y.data, y.stride);
  }

 private:
  matrix<float> weights_;
  Sgemm sgemm_;
};

}  // namespace amq
