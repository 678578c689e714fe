// The dense product's inner kernels for every instruction set; the classes of kernel/ and attention stand on them.
#pragma once

#define AMQ_SIMD_BODY "amq/core/simd/detail/tile_product.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::simd {

/// Rows of A that the largest tile holds, over all sets.
constexpr index max_tile_rows = avx512_isa::tile_rows;

/// Columns of a panel of B, the packed operand.
inline index panel_cols(isa which) {
  if (which == isa::avx512) return avx512_isa::tile_cols;
  return which == isa::avx2 ? avx2_isa::tile_cols : portable_isa::tile_cols;
}

/// Floats of a packed W (rows, depth).
inline index packed_size(index rows, index depth, isa which) {
  index const width = panel_cols(which);
  return (rows + width - 1) / width * width * depth;
}

/// Packs W (rows, depth) into panels for `multiply_panels`: panel p holds rows [p w, (p + 1) w) of W for w =
/// panel_cols(which), element (k, j) at k w + j; missing rows are zero.
inline void pack_panels(matrix_view<float const> w, float* packed, isa which) {
  index const width = panel_cols(which);
  for (index row = 0; row < w.rows; row += width, packed += width * w.cols) {
    int const count = static_cast<int>(w.rows - row < width ? w.rows - row : width);
    AMQ_SIMD_CALL(which, pack_panel(w.data + row * w.stride, w.stride, count, w.cols, packed));
  }
}

/// The same panels from B = W^T (depth, rows) as it lies in memory.
inline void pack_columns(matrix_view<float const> b, float* packed, isa which) {
  index const width = panel_cols(which);
  for (index first = 0; first < b.cols; first += width) {
    index const count = b.cols - first < width ? b.cols - first : width;
    for (index k = 0; k < b.rows; ++k, packed += width) {
      std::memcpy(packed, b.data + k * b.stride + first, sizeof(float) * static_cast<std::size_t>(count));
      for (index j = count; j < width; ++j) packed[j] = 0;
    }
  }
}

/// c (rows, cols) = a (rows, depth) W^T, or += if `add`; panel p of the packed W starts at p panel_stride. An element
/// of c is one chain of multiply-adds over depth in order, continued from what c holds if `add`: its bits depend on its
/// row of a and its row of W alone.
inline void multiply_panels(matrix_view<float const> a, float const* panels, index panel_stride, matrix_view<float> c,
                            bool add, isa which) {
  AMQ_SIMD_CALL(which,
                multiply_panels(a.data, a.stride, a.rows, panels, panel_stride, a.cols, c.data, c.stride, c.cols, add));
}

}  // namespace amq::simd
