// How the threads of a block share a block of the packed layout: 16 rows, 8 threads each, weights in registers.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "amq/core/tile_layout.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/number.cuh"
#include "amq/cuda/quantize/group_parameters.cuh"
#include "amq/cuda/quantize/refusals.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
namespace quantizing {

inline constexpr int row_threads = 8;
inline constexpr int block_threads = row_threads * static_cast<int>(tile_layout::tile_rows);
inline constexpr unsigned whole_warp = 0xffffffffu;

/// A matrix as quantizers see it.
struct weight_shape {
  int rows;
  int cols;
  int groups;
};

/// This thread's row and share of one group, in the block-th block of the packed layout.
struct weight_place {
  int tile_row;  ///< of 16
  int part;      ///< of 8: quads part, part + 8, ...
  int row;
  int group;

  __device__ weight_place(long long block, weight_shape shape)
      : tile_row(static_cast<int>(threadIdx.x) / row_threads),
        part(static_cast<int>(threadIdx.x) % row_threads),
        row(static_cast<int>(block / shape.groups) * static_cast<int>(tile_layout::tile_rows) + tile_row),
        group(static_cast<int>(block % shape.groups)) {}
};

__device__ inline float4 load_quad(float const* from) { return *reinterpret_cast<float4 const*>(from); }
template <class Number>
__device__ float4 load_quad(Number const* from) {
  struct alignas(8) quad {
    Number values[4];
  };
  auto const q = *reinterpret_cast<quad const*>(from);
  return make_float4(to_f32(q.values[0]), to_f32(q.values[1]), to_f32(q.values[2]), to_f32(q.values[3]));
}

/// A thread's eighth of a group.
template <int Group>
struct weight_part {
  static constexpr int quads = Group / 4 / row_threads;
  float values[4 * quads];

  /// Zeros for rows beyond the matrix.
  template <class Weight>
  __device__ void load(Weight const* weights, weight_shape shape, weight_place at) {
    bool const inside = at.row < shape.rows;
    Weight const* const from =
        weights + static_cast<long long>(inside ? at.row : 0) * shape.cols + at.group * Group + 4 * at.part;
#pragma unroll
    for (int q = 0; q < quads; ++q) {
      float4 const v = inside ? load_quad(from + 4 * row_threads * q) : make_float4(0, 0, 0, 0);
      values[4 * q] = v.x;
      values[4 * q + 1] = v.y;
      values[4 * q + 2] = v.z;
      values[4 * q + 3] = v.w;
    }
  }

  __device__ void refuse_what_is_not_finite(weight_shape shape, weight_place at, quantize_refusals* refused) const {
#pragma unroll
    for (int i = 0; i < 4 * quads; ++i)
      if (!(values[i] * 0 == 0)) {
        int const col = at.group * Group + 4 * (at.part + row_threads * (i / 4)) + i % 4;
        refuse_weight(refused, static_cast<long long>(at.row) * shape.cols + col, values[i]);
      }
  }
};

/// Sum, smallest and largest over the 8 threads of a row; all of them get the same bits.
__device__ inline float row_sum(float x) {
#pragma unroll
  for (int step = 1; step < row_threads; step *= 2) x += __shfl_xor_sync(whole_warp, x, step);
  return x;
}
__device__ inline float row_min(float x) {
#pragma unroll
  for (int step = 1; step < row_threads; step *= 2) x = fminf(x, __shfl_xor_sync(whole_warp, x, step));
  return x;
}
__device__ inline float row_max(float x) {
#pragma unroll
  for (int step = 1; step < row_threads; step *= 2) x = fmaxf(x, __shfl_xor_sync(whole_warp, x, step));
  return x;
}

/// Of the whole group.
template <int Group>
__device__ weight_range range_of(weight_part<Group> const& part) {
  weight_range range{part.values[0], part.values[0]};
#pragma unroll
  for (int i = 1; i < 4 * weight_part<Group>::quads; ++i) {
    range.low = fminf(range.low, part.values[i]);
    range.high = fmaxf(range.high, part.values[i]);
  }
  return {row_min(range.low), row_max(range.high)};
}

}  // namespace quantizing
}  // namespace amq::cuda::inline AMQ_CUDA_ABI
