// How a packed matrix lies on the device: the host's codes, scales and zeros in the order in which the lanes of a warp
// want them as operands of a tensor core. docs/packed-layout.md ("On the device") has the same in prose.
#pragma once

#include <cstdint>

#include "amq/core/matrix.hpp"
#include "amq/core/tile_layout.hpp"

namespace amq::cuda {

/// Geometry of the device layout, a permutation of the host's tiles (core/tile_layout.hpp).
///
/// 16 rows are a tile; 128 inputs of a tile are a span: first its codes, then its scales and zeros. Spans follow each
/// other along a tile's inputs, tile after tile. Inputs that do not fill the last span, and rows that do not fill the
/// last tile, have code, scale and zero 0.
///
/// A span is four chunks of 32 inputs. Lane 4 g + t of a warp holds inputs 8 t ... 8 t + 7 of rows g and g + 8 of each
/// chunk: 16 codes, the operand A of two products m16n8k16 ("halves"). The order of the inputs in a product is this
/// one in both operands, not the natural one; a sum does not care, and operand B of a lane is eight inputs that follow
/// each other. Input 8 t + 4 half + 2 (a / 2) + e of row g + 8 (a % 2) is the e-th number of register a.
///
/// Codes are split into a low plane of 2, 4 or 8 bits and, for 3, 5 and 6 bits, a high plane of 1, 1 and 2 bits. A
/// lane's part of a plane is 2 x (plane's bits) words of 32 bits, stored as vectors of 16 bytes (8 of a 1-bit plane),
/// vector after vector, the 32 lanes' side by side. In each word codes of even inputs lie in the low 16 bits and those
/// of odd inputs in the high 16, so that a shift and a mask give the two numbers of a register:
///
///   plane  word of (chunk, half, a)     bit in both halves of the word
///   8      4 chunk + 2 half + a % 2     8 (a / 2)
///   4      2 chunk + half               4 a
///   2      chunk                        4 a + 2 half
///   1      chunk / 2                    4 a + 2 (chunk % 2) + half
///
/// A span's parameters are, for g = 0 ... 7 and within it for each group, f16 scales of rows g and g + 8 and f16 zeros
/// of rows g and g + 8: what a lane needs of a group is 8 bytes.
struct device_layout {
  static constexpr int tile_rows = 16;
  static constexpr int span_inputs = 128;
  static constexpr int chunk_inputs = 32;
  static constexpr int span_chunks = span_inputs / chunk_inputs;
  static constexpr int group_bytes = 64;  ///< scales and zeros of 16 rows

  int bits = 4;
  int group = 128;

  static constexpr int low_bits(int bits) { return bits == 8 ? 8 : bits >= 4 ? 4 : 2; }
  static constexpr int high_bits(int bits) { return bits - low_bits(bits); }

  constexpr int span_groups() const { return span_inputs / group; }
  constexpr int code_bytes() const { return tile_rows * span_inputs / 8 * bits; }
  constexpr int span_bytes() const { return code_bytes() + group_bytes * span_groups(); }
  static constexpr int tiles(int rows) { return (rows + tile_rows - 1) / tile_rows; }
  static constexpr int spans(int cols) { return (cols + span_inputs - 1) / span_inputs; }
};

/// Bytes of a matrix (rows, cols) on the device: as on the host, inputs rounded up to 128. O(1).
constexpr std::int64_t device_matrix_bytes(tile_layout layout, index rows, index cols) {
  device_layout const device{layout.bits, layout.group};
  return std::int64_t{device_layout::tiles(static_cast<int>(rows))} * device_layout::spans(static_cast<int>(cols)) *
         device.span_bytes();
}

}  // namespace amq::cuda
