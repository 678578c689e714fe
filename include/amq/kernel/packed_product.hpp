// Products of activations with packed tiles: from (bits, precision, path) known at run time to a compiled kernel.
#pragma once

#include <algorithm>
#include <string>

#include "amq/core/error.hpp"
#include "amq/core/executor.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/tiled_matrix.hpp"
#include "amq/kernel/activations.hpp"
#include "amq/kernel/cpu_path.hpp"
#include "amq/kernel/paths/amx.hpp"
#include "amq/kernel/paths/avx512_dot.hpp"
#include "amq/kernel/paths/vectors.hpp"

namespace amq {

namespace detail {

/// Calls visitor.template operator()<Bits>() for a layout's width: the one place where a number becomes a type.
template <class Visitor>
void with_width(tile_layout layout, Visitor const& visitor) {
  switch (layout.bits) {
    case 2:
      return visitor.template operator()<2>();
    case 3:
      return visitor.template operator()<3>();
    case 4:
      return visitor.template operator()<4>();
    case 5:
      return visitor.template operator()<5>();
    case 6:
      return visitor.template operator()<6>();
    case 8:
      return visitor.template operator()<8>();
    default:
      throw precondition_error("there is no kernel for " + to_string(format{layout.bits, layout.group}));
  }
}

/// The rows of tiles [first, last) times one of the tokens.
template <int Bits>
void multiply_token(tiled_view const& w, activations const& x, index token, float* y, index first, index last) {
#if defined(__x86_64__)
  if (x.dots())
    return x.precision() == precision::int8
               ? paths::avx512_dot<paths::detail::int8_dot, Bits>::gemv(w, x.rows(token), y, first, last)
               : paths::avx512_dot<paths::detail::wide_dot, Bits>::gemv(w, x.rows(token), y, first, last);
#endif
  paths::vectors<Bits>::gemv(w, x.values().row(token).data(), y, first, last, paths::vectors_of(x.path()));
}

/// The rows of tiles [first, last) by the kernels of the activations' precision and path.
template <int Bits>
void multiply_tiles(tiled_view const& w, activations const& x, matrix_view<float> y, index first, index last) {
  if (x.apart()) {
    // A tile meets all tokens while it is in the cache; a single token takes all tiles in one stream.
    index const step = x.tokens() == 1 ? last - first : 1;
    for (index tile = first; tile < last; tile += step)
      for (index token = 0; token < x.tokens(); ++token)
        multiply_token<Bits>(w, x, token, y.row(token).data(), tile, tile + step);
    return;
  }
#if defined(__x86_64__)
  if (x.dots()) {
    bool const bytes = x.precision() == precision::int8;
    for (index block = 0; block < x.blocks(); ++block) {
      auto const rows = x.rows(block);
      auto const some = y.rows_from(block * x.block_tokens(), rows.tokens);
      auto const by = [&]<class Dot>(Dot) {
        if (x.path() == cpu_path::amx) return paths::amx<Dot, Bits>::gemm(w, rows, some, first, last);
        return paths::avx512_dot<Dot, Bits>::gemm(w, rows, some, first, last);
      };
      bytes ? by(paths::detail::int8_dot{}) : by(paths::detail::bf16_dot{});
    }
    return;
  }
#endif
  paths::vectors<Bits>::gemm(w, x.values(), y, first, last, paths::vectors_of(x.path()));
}

/// Splits tiles [0, count) into contiguous pieces, `pieces` a worker, even in number so that pairs of tiles stay
/// together.
template <class Executor, class Work>
void for_tiles(index count, index pieces, Executor& executor, Work const& work) {
  index const wanted = executor.workers() == 1 ? 1 : pieces * index{executor.workers()};
  index const step = std::max<index>(2, ((count + wanted - 1) / wanted + 1) / 2 * 2);
  executor.for_each((count + step - 1) / step,
                    [&](index piece, int) { work(piece * step, std::min(count, (piece + 1) * step)); });
}

}  // namespace detail

/// y (tokens, rows of w) = x w^T, written in full; `executor` splits the rows, with the same bits whatever its number
/// of workers. O(tokens * rows * cols). A token's results have the same bits in any batch of many tokens, and in any
/// that is multiplied `apart()`; the former (gemm) have sums in another order than the latter (gemv, one token after
/// the other). Throws precondition_error when shapes or groups disagree.
template <class Executor>
void multiply(tiled_view const& w, activations const& x, matrix_view<float> y, Executor& executor) {
  AMQ_EXPECTS(x.cols() == w.cols && x.tokens() == y.rows && y.cols == w.rows,
              "a packed product's operands and result disagree in their shapes");
  AMQ_EXPECTS(x.group() == w.layout.group, "activations prepared for groups of " + std::to_string(x.group()) +
                                               " meet weights in groups of " + std::to_string(w.layout.group));
  index const pieces = x.tokens() == 1 ? 8 : 4;  // a worker; one token's reuse nothing, so that small ones cost nothing
  detail::with_width(w.layout, [&]<int Bits>() {
    detail::for_tiles(w.tiles(), pieces, executor,
                      [&](index first, index last) { detail::multiply_tiles<Bits>(w, x, y, first, last); });
  });
}

/// The same on the calling thread.
template <class View = tiled_view>
void multiply(View const& w, activations const& x, matrix_view<float> y) {
  serial_executor alone;
  multiply(tiled_view(w), x, y, alone);
}

/// out (rows, cols) = (code - zero) * scale in f32. O(rows * cols).
template <class View = tiled_view>
void dequantize(View const& w, matrix_view<float> out, cpu_path path = preferred_path(precision::f32, 2)) {
  AMQ_EXPECTS(out.rows == w.rows && out.cols == w.cols, "a dequantized matrix has the shape of the packed one");
  detail::with_width(
      w.layout, [&]<int Bits>() { paths::vectors<Bits>::dequantize(w, out, 0, w.tiles(), paths::vectors_of(path)); });
}

}  // namespace amq
