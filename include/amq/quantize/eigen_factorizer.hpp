// Cholesky factorization without LAPACK: Eigen for the blocks on the diagonal, the library's own products for the rest.
#pragma once

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "amq/concepts/cholesky_factorizer.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/simd/tile_product.hpp"

namespace amq {

/// Models cholesky_factorizer. n^3 / 3 operations, nearly all of them in `simd::multiply_panels`, which uses the
/// processor's widest instructions where Eigen is limited to those that the compiler was told of. The blocks on the
/// diagonal are factorized and inverted in f64.
class eigen_factorizer {
 public:
  bool factorize(matrix_view<float> h) const {
    for (index first = 0; first < h.rows; first += block) {
      index const size = std::min(block, h.rows - first);
      matrix<float> inverse(size, size);
      if (!factorize_block(part(h, first, first, size, size), inverse)) return false;
      index const rest = h.rows - first - size;
      if (rest == 0) continue;
      matrix_view<float> const right = part(h, first, first + size, size, rest);
      solve(inverse, right);
      subtract_square(right, part(h, first + size, first + size, rest, rest));
    }
    return true;
  }

 private:
  static constexpr index block = 128;
  static constexpr index strip = 64;  // a multiple of every panel's width

  static matrix_view<float> part(matrix_view<float> h, index row, index col, index rows, index cols) {
    return {&h(row, col), rows, cols, h.stride};
  }

  /// The upper triangle of `square` becomes U, `inverse` U^-T, lower triangular.
  static bool factorize_block(matrix_view<float> square, matrix_view<float> inverse) {
    using block_matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    index const n = square.rows;
    block_matrix values(n, n);
    for (index i = 0; i < n; ++i)
      for (index j = i; j < n; ++j) values(j, i) = double{square(i, j)};
    Eigen::LLT<block_matrix> const factor(values);
    if (factor.info() != Eigen::Success) return false;
    block_matrix const lower = factor.matrixL();
    block_matrix const inverted = lower.triangularView<Eigen::Lower>().solve(block_matrix::Identity(n, n));
    for (index i = 0; i < n; ++i) {
      if (!(std::isfinite(lower(i, i)) && static_cast<float>(lower(i, i)) > 0)) return false;
      for (index j = 0; j <= i; ++j) {
        square(j, i) = static_cast<float>(lower(i, j));
        inverse(i, j) = static_cast<float>(inverted(i, j));
      }
    }
    return true;
  }

  /// right = inverse * right
  static void solve(matrix_view<float const> inverse, matrix_view<float> right) {
    auto const which = simd::best_isa();
    matrix<float> panels(1, simd::packed_size(right.cols, right.rows, which));
    simd::pack_columns(right, panels.data(), which);
    simd::multiply_panels(inverse, panels.data(), simd::panel_cols(which) * right.rows, right, false, which);
  }

  /// The upper triangle of `square` loses right^T right.
  static void subtract_square(matrix_view<float const> right, matrix_view<float> square) {
    auto const which = simd::best_isa();
    index const depth = right.rows;
    matrix<float> panels(1, simd::packed_size(right.cols, depth, which));
    simd::pack_columns(right, panels.data(), which);
    matrix<float> negative(strip, depth);
    for (index row = 0; row < square.rows; row += strip) {
      index const rows = std::min(strip, square.rows - row);
      for (index i = 0; i < rows; ++i)
        for (index k = 0; k < depth; ++k) negative(i, k) = -right(k, row + i);
      simd::multiply_panels({negative.data(), rows, depth}, panels.data() + row * depth,
                            simd::panel_cols(which) * depth, part(square, row, row, rows, square.cols - row), true,
                            which);
    }
  }
};

static_assert(cholesky_factorizer<eigen_factorizer>);

}  // namespace amq
