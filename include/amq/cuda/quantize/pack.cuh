// Codes, scales and zeros to the packed layout that the host reads, bit for bit as `tiled_matrix` packs them.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <utility>

#include "amq/core/tile_layout.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/number.cuh"
#include "amq/cuda/ptx.cuh"
#include "amq/cuda/quantize/block_weights.cuh"
#include "amq/cuda/quantize/group_parameters.cuh"
#include "amq/cuda/quantize/refusals.cuh"
#include "amq/cuda/quantize/workspace.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
namespace quantizing {

/// A block's codes on their way, four of a row in a word: quad t of row r is quads[t][r]. Rows are 20 words apart, so
/// that the 32 threads that store four rows' quads at once meet 32 banks.
struct packing_shared {
  static constexpr int most_quads = 128 / 4;
  std::uint32_t quads[most_quads][20];
};

/// A unit of the layout, and where its quads lie, in constants that device code may use.
template <int Bits>
struct packed_unit {
  static constexpr int quads = tile_layout{Bits, 32}.unit_quads();
  static constexpr int vectors = tile_layout{Bits, 32}.unit_vectors();
};
template <int Bits, int Quad, int Piece>
struct packed_piece {
  static constexpr bool there = Piece < tile_layout{Bits, 32}.quads()[Quad].count;
  static constexpr code_piece at = tile_layout{Bits, 32}.quads()[Quad].pieces[Piece];
};

/// The part of four codes, a byte each, that one piece of the layout holds.
template <int Bits, int Quad, int Piece>
__device__ void add_piece(std::uint32_t codes, std::uint32_t (&words)[packed_unit<Bits>::vectors]) {
  using piece = packed_piece<Bits, Quad, Piece>;
  if constexpr (piece::there) {
    constexpr std::uint32_t mask = 0x01010101u * ((1u << piece::at.width) - 1);
    words[piece::at.vector] |= ((codes >> piece::at.to) & mask) << piece::at.from;
  }
}

template <int Bits, int Quad>
__device__ void add_quad(std::uint32_t codes, std::uint32_t (&words)[packed_unit<Bits>::vectors]) {
  add_piece<Bits, Quad, 0>(codes, words);
  add_piece<Bits, Quad, 1>(codes, words);
  add_piece<Bits, Quad, 2>(codes, words);
}

/// One row's share of a unit: its quads from `first` on to a word of each vector.
template <int Bits, int... Quad>
__device__ void pack_unit(packing_shared const& shared, int first, int row, std::uint32_t* out,
                          std::integer_sequence<int, Quad...>) {
  std::uint32_t words[packed_unit<Bits>::vectors] = {};
  (add_quad<Bits, Quad>(shared.quads[first + Quad][row], words), ...);
#pragma unroll
  for (int v = 0; v < packed_unit<Bits>::vectors; ++v) out[16 * v] = words[v];
}

template <int Bits>
__device__ void pack_units(packing_shared const& shared, int group, std::uint32_t* out) {
  constexpr int quads = packed_unit<Bits>::quads, words = 16 * packed_unit<Bits>::vectors;
  for (int at = static_cast<int>(threadIdx.x); at < 16 * (group / 4 / quads); at += block_threads) {
    int const unit = at / 16, row = at % 16;
    pack_unit<Bits>(shared, unit * quads, row, out + words * unit + row, std::make_integer_sequence<int, quads>{});
  }
}

/// Stores a block's codes out of shared memory. All threads of the block call it after a barrier.
__device__ inline void store_codes(packing_shared const& shared, int bits, int group, std::uint8_t* block) {
  auto* const out = reinterpret_cast<std::uint32_t*>(block);
  switch (bits) {
    case 2:
      return pack_units<2>(shared, group, out);
    case 3:
      return pack_units<3>(shared, group, out);
    case 4:
      return pack_units<4>(shared, group, out);
    case 5:
      return pack_units<5>(shared, group, out);
    case 6:
      return pack_units<6>(shared, group, out);
    default:
      return pack_units<8>(shared, group, out);
  }
}

/// Stores the scale and zero of this thread's row, zeros for rows beyond the matrix, and notes what f16 cannot hold.
__device__ inline void store_parameters(group_parameters of, weight_shape shape, weight_place at, std::uint8_t* behind,
                                        quantize_refusals* refused) {
  bool const inside = at.row < shape.rows;
  auto const scale = from_f32<f16>(inside ? of.scale : 0.0f), zero = from_f32<f16>(inside ? of.zero : 0.0f);
  auto* const out = reinterpret_cast<f16*>(behind);
  out[at.tile_row] = scale;
  out[tile_layout::tile_rows + at.tile_row] = zero;
  if (!inside) return;
  long long const group = static_cast<long long>(at.row) * shape.groups + at.group;
  float const held = to_f32(scale);
  if (!(held * 0 == 0) || (held == 0 && of.scale != 0)) refuse_parameter(refused, group, false, of.scale);
  if (!(to_f32(zero) * 0 == 0)) refuse_parameter(refused, group, true, of.zero);
}

__device__ inline std::uint32_t quad_of(float a, float b, float c, float d) {
  return static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b) << 8 | static_cast<std::uint32_t>(c) << 16 |
         static_cast<std::uint32_t>(d) << 24;
}

/// `codes` (rows, cols), a byte each, and `scales` and `zeros` (rows, groups).
template <class Parameter>
AMQ_CUDA_KERNEL void pack_kernel(std::uint8_t const* codes, Parameter const* scales, Parameter const* zeros,
                                 weight_shape shape, int bits, int group, std::uint8_t* tiles,
                                 quantize_refusals* refused) {
  auto& shared = *reinterpret_cast<packing_shared*>(ptx::dynamic_shared());
  weight_place const at(blockIdx.x, shape);
  bool const inside = at.row < shape.rows;
  long long const row = inside ? at.row : 0;
  auto const* const from = reinterpret_cast<std::uint32_t const*>(codes + row * shape.cols + at.group * group);
  for (int quad = at.part; quad < group / 4; quad += row_threads)
    shared.quads[quad][at.tile_row] = inside ? from[quad] : 0;
  __syncthreads();
  int const code_bytes = 2 * bits * group;
  std::uint8_t* const block =
      tiles + static_cast<long long>(blockIdx.x) * (code_bytes + static_cast<int>(tile_layout::parameter_bytes));
  store_codes(shared, bits, group, block);
  long long const parameters = row * shape.groups + at.group;
  if (at.part == 0) store_parameters({scales[parameters], zeros[parameters]}, shape, at, block + code_bytes, refused);
}

inline void launch_pack(std::uint8_t const* codes, float const* scales, float const* zeros, int rows, int cols,
                        tile_layout layout, std::uint8_t* tiles, quantize_workspace& work, cudaStream_t on) {
  weight_shape const shape{rows, cols, static_cast<int>(layout.groups(cols))};
  auto const blocks = static_cast<unsigned>(tile_layout::tiles(rows) * layout.groups(cols));
  launch({blocks, block_threads, sizeof(packing_shared), on}, pack_kernel<float>, codes, scales, zeros, shape,
         layout.bits, layout.group, tiles, work.refused.data());
}

}  // namespace quantizing

/// Packs `codes` (rows, cols), each below 2^bits, with f32 `scales` and `zeros` (rows, groups), all on the device, into
/// `tiles`, as many bytes as layout.bytes(rows, cols); rows beyond the matrix are 0. Asynchronous; `check_quantized`
/// then tells what f16 could not hold. Codes and tiles are aligned to 4 bytes. Throws precondition_error for other
/// shapes or pointers.
inline void pack_tiles(std::uint8_t const* codes, float const* scales, float const* zeros, int rows, int cols,
                       tile_layout layout, std::uint8_t* tiles, quantize_workspace& work, cudaStream_t on) {
  quantizing::begin_quantizing(codes, 4, rows, cols, layout, tiles, work, on);
  quantizing::launch_pack(codes, scales, zeros, rows, cols, layout, tiles, work, on);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
