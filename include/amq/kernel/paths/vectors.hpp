// Products of packed tiles with f32 activations on the paths portable, AVX2 and AVX-512: one body, compiled for each.
#pragma once

#include <algorithm>
#include <cstdint>

#include "amq/core/cpu_path.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/simd/tile_product.hpp"
#include "amq/core/tiled_matrix.hpp"

#define AMQ_SIMD_BODY "amq/kernel/detail/tile_vectors.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::paths {

/// The vectors that a path computes f32 with.
constexpr simd::isa vectors_of(cpu_path path) {
  if (path == cpu_path::portable) return simd::isa::portable;
  return path == cpu_path::avx2 ? simd::isa::avx2 : simd::isa::avx512;
}

/// Any precision as f32: the activations are rounded to what they are to be before, their products are sums of f32.
template <int Bits>
struct vectors {
  /// y[r] = row r of w times x for the rows of tiles [first, last); sums run in the inputs' order, four chains a group.
  static void gemv(tiled_view const& w, float const* x, float* y, index first, index last, simd::isa which) {
    for (index tile = first; tile < last; ++tile) {
      alignas(64) float rows[tile_layout::tile_rows];
      AMQ_SIMD_CALL(which, gemv_tile<Bits>(w.block(tile, 0), w.groups(), w.layout.group, x, rows));
      index const row = tile * tile_layout::tile_rows;
      std::copy_n(rows, std::min(tile_layout::tile_rows, w.rows - row), y + row);
    }
  }

  /// y (tokens, rows) = x w^T for the rows of tiles [first, last). An element is one chain of multiply-adds over the
  /// inputs in order, so its bits depend on its token and its row alone.
  static void gemm(tiled_view const& w, matrix_view<float const> x, matrix_view<float> y, index first, index last,
                   simd::isa which) {
    auto panels = matrix<float>::uninitialized(1, std::max(simd::panel_cols(which), tile_layout::tile_rows) * depth);
    if (w.cols <= depth) {  // nothing is added to a result that was written
      auto const own = y.cols_from(first * tile_layout::tile_rows, rows_of(w, first, last));
      return multiply_block(w, x, first, last, own, panels.data(), which);
    }
    auto totals =
        matrix<float>::uninitialized(std::min(block_tokens, x.rows), block_tiles * tile_layout::tile_rows + padding);
    for (index token = 0; token < x.rows; token += block_tokens) {
      index const tokens = std::min(block_tokens, x.rows - token);
      for (index tile = first; tile < last; tile += block_tiles) {
        index const end = std::min(tile + block_tiles, last), rows = rows_of(w, tile, end);
        multiply_block(w, x.rows_from(token, tokens), tile, end, {totals.data(), tokens, rows, totals.cols()},
                       panels.data(), which);
        for (index i = 0; i < tokens; ++i)
          std::copy_n(totals.row(i).data(), rows, y.row(token + i).data() + tile * tile_layout::tile_rows);
      }
    }
  }

  /// out (rows, cols) = the values, (code - zero) * scale, for the rows of tiles [first, last).
  static void dequantize(tiled_view const& w, matrix_view<float> out, index first, index last, simd::isa which) {
    matrix<float> block(w.layout.group, tile_layout::tile_rows);
    for (index tile = first; tile < last; ++tile)
      for (index k = 0; k < w.cols; k += w.layout.group) {
        decode(w, tile, k, w.layout.group, block.data(), tile_layout::tile_rows, 0, which);
        index const row = tile * tile_layout::tile_rows, rows = std::min(tile_layout::tile_rows, w.rows - row);
        for (index r = 0; r < rows; ++r)
          for (index i = 0; i < w.layout.group; ++i) out(row + r, k + i) = block(i, r);
      }
  }

 private:
  // A block's activations (block_tokens, depth) and totals (block_tokens, block_tiles) stay in the second-level cache
  // while panels (depth, 32 rows or 16) are decoded once for all its tokens and pass by.
  static constexpr index depth = 512;
  static constexpr index block_tokens = 512;
  static constexpr index block_tiles = 16;
  static constexpr index padding = 16;  ///< keeps rows of totals off each other's cache lines

  static index rows_of(tiled_view const& w, index first, index last) {
    return std::min(last * tile_layout::tile_rows, w.rows) - first * tile_layout::tile_rows;
  }

  /// y (tokens, rows) = x w^T for the rows of tiles [first, last) alone.
  static void multiply_block(tiled_view const& w, matrix_view<float const> x, index first, index last,
                             matrix_view<float> y, float* panels, simd::isa which) {
    index const width = simd::panel_cols(which), panel_stride = width * depth;
    index const step = std::max<index>(1, width / tile_layout::tile_rows);
    for (index k = 0; k < w.cols; k += depth) {
      index const inputs = std::min(depth, w.cols - k);
      for (index tile = first; tile < last; tile += step) {
        index const tiles = std::min(step, last - tile), column = (tile - first) * tile_layout::tile_rows;
        for (index t = 0; t < tiles; ++t)
          decode(w, tile + t, k, inputs, panels + t * tile_layout::tile_rows, width, panel_stride, which);
        simd::multiply_panels({x.data + k, x.rows, inputs, x.stride}, panels, panel_stride,
                              y.cols_from(column, std::min(tiles * tile_layout::tile_rows, y.cols - column)), k > 0,
                              which);
      }
    }
  }

  static void decode(tiled_view const& w, index tile, index k, index inputs, float* out, index panel,
                     index panel_stride, simd::isa which) {
    int const group = w.layout.group;
    for (index i = 0; i < inputs; i += group)
      AMQ_SIMD_CALL(which,
                    decode_block<Bits>(w.block(tile, (k + i) / group), group, out + i * panel, panel, panel_stride));
  }
};

}  // namespace amq::paths
