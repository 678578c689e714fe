// Between the host's packed layout and the device's, both in the device's memory.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "amq/core/tile_layout.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/layout/device_matrix.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
namespace kernels {

/// tile_layout as a kernel reads it: where a unit's codes lie.
struct host_geometry {
  code_piece pieces[8][3];  ///< of each quad of a unit
  int counts[8];
  int unit_quads;
  int unit_vectors;
  int block_bytes;
  int code_bytes;
};

inline host_geometry geometry_of(tile_layout layout) {
  host_geometry made{};
  for (std::size_t quad = 0; quad < layout.quads().size(); ++quad) {
    auto const& [pieces, count] = layout.quads()[quad];
    std::copy_n(pieces.begin(), count, made.pieces[quad]);
    made.counts[quad] = count;
  }
  made.unit_quads = layout.unit_quads();
  made.unit_vectors = layout.unit_vectors();
  made.block_bytes = static_cast<int>(layout.block_bytes());
  made.code_bytes = static_cast<int>(layout.code_bytes());
  return made;
}

struct permute_arguments {
  device_matrix w;  ///< its data is not looked at
  host_geometry host;
  int span_bytes;
  int code_bytes;  ///< of a span
  int low_bits;    ///< of the low plane; the high plane has the rest
  std::uint8_t const* from;
  std::uint8_t* to;
};

/// One code of a tile of the host's layout.
__device__ inline std::uint32_t host_code(permute_arguments const& p, int tile, int row, int input) {
  int const group = input / p.w.group, quad = input % p.w.group / 4, unit = quad / p.host.unit_quads;
  auto const from = p.from + (std::int64_t{tile} * (p.w.cols / p.w.group) + group) * p.host.block_bytes +
                    unit * p.host.unit_vectors * 64 + 4 * row + input % 4;
  int const place = quad % p.host.unit_quads;
  std::uint32_t code = 0;
  for (int i = 0; i < p.host.counts[place]; ++i) {
    code_piece const& piece = p.host.pieces[place][i];
    code |= ((std::uint32_t{from[64 * piece.vector]} >> piece.from) & ((1u << piece.width) - 1)) << piece.to;
  }
  return code;
}

/// Scale (which = 0) or zero (1) of a row's group in the host's layout, as bits of f16.
__device__ inline std::uint32_t host_parameter(permute_arguments const& p, int tile, int row, int group, int which) {
  int const groups = p.w.cols / p.w.group;
  if (group >= groups) return 0;
  auto const block = p.from + (std::int64_t{tile} * groups + group) * p.host.block_bytes + p.host.code_bytes;
  auto const at = block + 2 * (16 * which + row);
  return at[0] | std::uint32_t{at[1]} << 8;
}

/// Word `word` of a lane's part of a plane with `plane` bits, whose codes' bits from `from` on it holds.
__device__ inline std::uint32_t plane_word(permute_arguments const& p, int tile, int span, int plane, int from,
                                           int lane, int word) {
  std::uint32_t made = 0;
  for (int field = 0; field < 16 / plane; ++field) {
    int const slot = plane == 1 ? field % 4 : plane == 2 ? field % 2 : 0;
    int const chunk = plane == 8 ? word / 4 : plane == 4 ? word / 2 : plane == 2 ? word : 2 * word + slot / 2;
    int const half = plane == 8 ? word / 2 % 2 : plane == 4 ? word % 2 : slot % 2;
    int const a = plane == 8 ? word % 2 + 2 * field : plane == 4 ? field : plane == 2 ? field / 2 : field / 4;
    int const row = lane / 4 + 8 * (a % 2);
    int const input = span * device_layout::span_inputs + 32 * chunk + 8 * (lane % 4) + 4 * half + 2 * (a / 2);
    if (input >= p.w.cols) continue;
    for (int odd = 0; odd < 2; ++odd) {
      std::uint32_t const code = host_code(p, tile, row, input + odd) >> from & ((1u << plane) - 1);
      made |= code << (16 * odd + plane * field);
    }
  }
  return made;
}

__device__ inline std::uint32_t device_word(permute_arguments const& p, int tile, int span, int word) {
  int const low = p.low_bits, high = p.w.bits - low;
  if (4 * word >= p.code_bytes) {  // parameters
    int const at = word - p.code_bytes / 4, groups = device_layout::span_inputs / p.w.group;
    int const which = at % 2, group = span * groups + at / 2 % groups, row = at / 2 / groups;
    return host_parameter(p, tile, row, group, which) | host_parameter(p, tile, row + 8, group, which) << 16;
  }
  if (word < 64 * low) return plane_word(p, tile, span, low, 0, word / 4 % 32, word / 128 * 4 + word % 4);
  int const at = word - 64 * low;
  return high == 1 ? plane_word(p, tile, span, 1, low, at / 2, at % 2)
                   : plane_word(p, tile, span, 2, low, at / 4, at % 4);
}

__device__ inline void write_device_words(permute_arguments const& p) {
  std::int64_t const words = std::int64_t{p.w.tiles()} * p.w.spans() * (p.span_bytes / 4);
  std::int64_t const step = std::int64_t{blockDim.x} * gridDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < words; i += step) {
    auto const span = static_cast<int>(i / (p.span_bytes / 4));
    reinterpret_cast<std::uint32_t*>(p.to)[i] =
        device_word(p, span / p.w.spans(), span % p.w.spans(), static_cast<int>(i % (p.span_bytes / 4)));
  }
}

/// Bits of one code in a plane, wherever the plane begins.
__device__ inline std::uint32_t plane_code(std::uint8_t const* begin, int plane, int row, int input) {
  int const lane = 4 * (row % 8) + input % 32 / 8, chunk = input / 32, half = input / 4 % 2;
  int const a = row / 8 + 2 * (input / 2 % 2);
  int const word = plane == 8   ? 4 * chunk + 2 * half + a % 2
                   : plane == 4 ? 2 * chunk + half
                   : plane == 2 ? chunk
                                : chunk / 2;
  int const bit = plane == 8   ? 8 * (a / 2)
                  : plane == 4 ? 4 * a
                  : plane == 2 ? 4 * a + 2 * half
                               : 4 * a + 2 * (chunk % 2) + half;
  int const at = plane == 1 ? 2 * lane + word : (word / 4 * 32 + lane) * 4 + word % 4;
  return reinterpret_cast<std::uint32_t const*>(begin)[at] >> (bit + 16 * (input % 2)) & ((1u << plane) - 1);
}

__device__ inline std::uint32_t device_code(permute_arguments const& p, int tile, int row, int input) {
  int const low = p.low_bits, high = p.w.bits - low;
  auto const span = p.from + (std::int64_t{tile} * p.w.spans() + input / 128) * p.span_bytes;
  std::uint32_t const code = plane_code(span, low, row, input % 128);
  return high == 0 ? code : code | plane_code(span + 256 * low, high, row, input % 128) << low;
}

/// One byte of each vector of one unit a thread, and the parameters of the unit's block by its first units.
__device__ inline void write_host_bytes(permute_arguments const& p) {
  int const groups = p.w.cols / p.w.group, units = p.w.group / 4 / p.host.unit_quads;
  std::int64_t const items = std::int64_t{p.w.tiles()} * groups * units * 64;
  std::int64_t const step = std::int64_t{blockDim.x} * gridDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < items; i += step) {
    int const byte = static_cast<int>(i % 64), row = byte / 4, unit = static_cast<int>(i / 64 % units);
    auto const block = i / 64 / units;
    int const tile = static_cast<int>(block / groups), group = static_cast<int>(block % groups);
    std::uint64_t made = 0;
    for (int quad = 0; quad < p.host.unit_quads; ++quad) {
      int const input = group * p.w.group + 4 * (unit * p.host.unit_quads + quad) + byte % 4;
      std::uint64_t const code = device_code(p, tile, row, input);
      for (int k = 0; k < p.host.counts[quad]; ++k) {
        code_piece const& piece = p.host.pieces[quad][k];
        made |= (code >> piece.to & ((1u << piece.width) - 1)) << (8 * piece.vector + piece.from);
      }
    }
    auto const to = p.to + block * p.host.block_bytes;
    for (int v = 0; v < p.host.unit_vectors; ++v)
      to[(unit * p.host.unit_vectors + v) * 64 + byte] = static_cast<std::uint8_t>(made >> (8 * v));
    if (unit == 0) {  // byte of (scale or zero, row of 16, low or high byte)
      int const which = byte / 32, of = byte / 2 % 16, span_groups = device_layout::span_inputs / p.w.group;
      auto const span = p.from + (std::int64_t{tile} * p.w.spans() + group / span_groups) * p.span_bytes;
      auto const parameters = span + p.code_bytes + (of % 8 * span_groups + group % span_groups) * 8;
      to[p.host.code_bytes + byte] = parameters[4 * which + 2 * (of / 8) + byte % 2];
    }
  }
}

template <bool ToDevice>
AMQ_CUDA_KERNEL void permute_kernel(permute_arguments const p) {
  if constexpr (ToDevice)
    write_device_words(p);
  else
    write_host_bytes(p);
}

template <bool ToDevice>
void launch_permutation(device_matrix const& shape, std::uint8_t const* from, std::uint8_t* to, std::int64_t items,
                        cudaStream_t on) {
  constexpr unsigned threads = 256, most_blocks = 1u << 16;
  device_layout const layout{shape.bits, shape.group};
  permute_arguments const arguments{shape,
                                    geometry_of(layout_of(shape)),
                                    layout.span_bytes(),
                                    layout.code_bytes(),
                                    device_layout::low_bits(shape.bits),
                                    from,
                                    to};
  launch({dim3(std::min(pieces(items, threads), most_blocks)), dim3(threads), 0, on}, permute_kernel<ToDevice>,
         arguments);
}

}  // namespace kernels

/// Writes the matrix whose tiles in the host's layout are at `host_tiles` to `out` in the device's layout;
/// device_matrix_bytes there. Both are memory of the device; `shape.data` is not looked at. O(rows * cols),
/// asynchronous. Throws precondition_error for a format without a kernel and for an `out` not aligned to 16 bytes.
inline void to_device_layout(std::uint8_t const* host_tiles, device_matrix shape, std::uint8_t* out, cudaStream_t on) {
  shape.data = out;
  expect_readable(shape);
  auto const words = device_matrix_bytes(layout_of(shape), shape.rows, shape.cols) / 4;
  kernels::launch_permutation<true>(shape, host_tiles, out, words, on);
}

/// The inverse: `out` gets tile_layout::bytes(rows, cols).
inline void to_host_layout(device_matrix const& w, std::uint8_t* out, cudaStream_t on) {
  expect_readable(w);
  auto const bytes = tile_layout::tiles(w.rows) * layout_of(w).groups(w.cols) * tile_layout::vector_bytes;
  kernels::launch_permutation<false>(w, w.data, out, bytes, on);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
