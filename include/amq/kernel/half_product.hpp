// Products with weights that lie in memory as 16-bit floating point, row after row: a mapped file's head, for one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "amq/core/dtype.hpp"
#include "amq/core/error.hpp"
#include "amq/core/executor.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/simd/half_rows.hpp"
#include "amq/core/simd/tile_product.hpp"

#define AMQ_SIMD_BODY "amq/kernel/detail/half_rows_product.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq {

/// (rows, cols) of bf16 or f16 that somebody else owns. Trivially copyable.
struct half_view {
  std::uint16_t const* data = nullptr;
  dtype type = dtype::bf16;  ///< bf16 or f16
  index rows = 0;
  index cols = 0;
  index stride = 0;  ///< elements from one row's start to the next
};

namespace detail {

inline void half_gemv(half_view const& w, index first, index rows, float const* x, float* y, simd::isa which) {
  std::uint16_t const* const from = w.data + first * w.stride;
  if (w.type == dtype::bf16)
    AMQ_SIMD_CALL(which, half_gemv<true>(from, w.stride, rows, w.cols, x, y + first));
  else
    AMQ_SIMD_CALL(which, half_gemv<false>(from, w.stride, rows, w.cols, x, y + first));
}

/// Rows [first, first + rows) of w by panels of f32 that stay in the cache.
inline void half_gemm(half_view const& w, index first, index rows, matrix_view<float const> x, matrix_view<float> y,
                      simd::isa which) {
  constexpr index depth = 256;
  index const width = simd::panel_cols(which);
  matrix<float> values(width, depth), panel(width, depth);
  for (index row = first; row < first + rows; row += width) {
    index const count = std::min(width, first + rows - row);
    for (index k = 0; k < w.cols; k += depth) {
      index const inputs = std::min(depth, w.cols - k);
      for (index r = 0; r < count; ++r) {
        std::uint16_t const* const from = w.data + (row + r) * w.stride + k;
        auto const convert = w.type == dtype::bf16 ? simd::bf16_to_f32_row : simd::f16_to_f32_row;
        convert(from, values.row(r).data(), inputs, which);
      }
      simd::pack_panels({values.data(), count, inputs, depth}, panel.data(), which);
      simd::multiply_panels({x.data + k, x.rows, inputs, x.stride}, panel.data(), width * inputs,
                            {y.data + row, y.rows, count, y.stride}, k > 0, which);
    }
  }
}

}  // namespace detail

/// y (tokens, rows of w) = x w^T in f32, written in full; `executor` splits the rows, same bits whatever its number of
/// workers. A few tokens read w at the speed of memory, one after the other; more go through panels. A token's bits are
/// its own in both. O(tokens * rows * cols). Throws precondition_error when shapes disagree or w is no 16-bit floating
/// point.
template <class Executor>
void multiply(half_view const& w, matrix_view<float const> x, matrix_view<float> y, Executor& executor,
              simd::isa which = simd::best_isa()) {
  AMQ_EXPECTS(x.cols == w.cols && x.rows == y.rows && y.cols == w.rows,
              "a 16-bit product's operands and result disagree in their shapes");
  AMQ_EXPECTS(w.type == dtype::bf16 || w.type == dtype::f16, "a half_view holds bf16 or f16");
  constexpr index step = 64;     // rows of a piece: whole panels on every path
  constexpr index few_rows = 8;  // of x: a piece stays in the cache while they pass, which costs less than its panels
  executor.for_each((w.rows + step - 1) / step, [&](index piece, int) {
    index const first = piece * step, rows = std::min(step, w.rows - first);
    if (x.rows > few_rows) return detail::half_gemm(w, first, rows, x, y, which);
    for (index token = 0; token < x.rows; ++token)
      detail::half_gemv(w, first, rows, x.row(token).data(), y.row(token).data(), which);
  });
}

/// The same on the calling thread.
inline void multiply(half_view const& w, matrix_view<float const> x, matrix_view<float> y) {
  serial_executor alone;
  multiply(w, x, y, alone);
}

}  // namespace amq
