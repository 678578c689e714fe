// What every kernel computes, in the plainest words: loops over stored codes, summed in f64.
#pragma once

#include <cstdint>
#include <cstring>

#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/tiled_matrix.hpp"

namespace amq::reference {

/// (code - zero) * scale of one weight, exact in f64. O(1).
inline double weight(tiled_view const& w, index row, index col) {
  auto const& layout = w.layout;
  index const r = row % tile_layout::tile_rows, input = col % layout.group, quad = input / tile_layout::quad_inputs;
  std::uint8_t const* const block = w.block(row / tile_layout::tile_rows, col / layout.group);
  std::uint8_t const* const unit =
      block + quad / layout.unit_quads() * layout.unit_vectors() * tile_layout::vector_bytes;
  index const byte = tile_layout::quad_inputs * r + input % tile_layout::quad_inputs;
  unsigned code = 0;
  auto const& [pieces, count] = layout.quads()[static_cast<std::size_t>(quad % layout.unit_quads())];
  for (int p = 0; p < count; ++p) {
    auto const& piece = pieces[static_cast<std::size_t>(p)];
    unsigned const bits = unit[piece.vector * tile_layout::vector_bytes + byte];
    code |= ((bits >> piece.from) & ((1u << piece.width) - 1)) << piece.to;
  }
  std::uint16_t scale = 0, zero = 0;
  std::uint8_t const* const parameters = block + layout.code_bytes() + 2 * r;
  std::memcpy(&scale, parameters, sizeof scale);
  std::memcpy(&zero, parameters + 2 * tile_layout::tile_rows, sizeof zero);
  return (static_cast<double>(code) - f16_to_f32(zero)) * f16_to_f32(scale);
}

/// y (tokens, rows) = x w^T. O(tokens * rows * cols), slow on purpose.
inline void multiply(tiled_view const& w, matrix_view<float const> x, matrix_view<double> y) {
  for (index token = 0; token < x.rows; ++token)
    for (index row = 0; row < w.rows; ++row) {
      double sum = 0;
      for (index col = 0; col < w.cols; ++col) sum += weight(w, row, col) * x(token, col);
      y(token, row) = sum;
    }
}

}  // namespace amq::reference
