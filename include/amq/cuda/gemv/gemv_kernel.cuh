// The kernel of products with 1 to 8 tokens: the tokens are the eight columns of a tensor core's result.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/gemv/last_block.cuh"
#include "amq/cuda/gemv/staged_tokens.cuh"
#include "amq/cuda/layout/device_matrix.cuh"
#include "amq/cuda/layout/fragment.cuh"
#include "amq/cuda/layout/span_registers.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

template <class Number>
struct gemv_arguments {
  device_matrix w;
  token_slice<Number> x;  ///< of all inputs; blocks take their slice
  int slice_spans;        ///< of 128 inputs; blockIdx.y is the slice
  float* y;               ///< (tokens, rows)
  bool accumulate;
  float* partial;      ///< (slices, tiles, 8 tokens, 16 rows), where there is more than one slice
  unsigned* counters;  ///< (tiles), 0 before and after
};

namespace kernels {

inline constexpr int tile_results = 128;  ///< 16 rows of 8 tokens

/// Shared memory in front of the staged tokens: what each warp's sums are, twice, so that a block can go on with its
/// next tile while the last one's are added up; and whether this block came last.
template <int Warps>
struct gemv_shared {
  float sums[2][Warps][tile_results];
  unsigned arrived[4];
};

/// A warp's way through its block's tiles: spans warp, warp + Warps, ... of the slice, tile after tile.
struct gemv_cursor {
  int tile;
  int first = 0;  ///< span of warp 0

  template <int Warps>
  __device__ bool last(int spans) const {
    return first + Warps >= spans;
  }
  template <int Warps>
  __device__ void advance(int spans) {
    first += Warps;
    if (first >= spans) {
      first = 0;
      tile += static_cast<int>(gridDim.x);
    }
  }
};

template <int Bits, int Group, class Number>
__device__ void multiply_span(float (&y)[4], span_registers<Bits, Group> const& span, staged_tokens const& x,
                              int first_chunk) {
  using decoded = fragment<Bits, Number, std::is_same_v<Number, f16> && Bits == 2>;
  constexpr int group_chunks = Group / device_layout::chunk_inputs;
#pragma unroll
  for (int q = 0; q < span_parameters<Group>::groups; ++q) {
    float sum[decoded::sums][4] = {};
#pragma unroll
    for (int c = 0; c < group_chunks; ++c) {
      int const chunk = q * group_chunks + c;
      uint4 const v = x.chunk(first_chunk + chunk);
      std::uint32_t const b[2][2] = {{v.x, v.y}, {v.z, v.w}};
#pragma unroll
      for (int half = 0; half < 2; ++half)
#pragma unroll
        for (int part = 0; part < decoded::parts; ++part) {
          std::uint32_t a[4];
          decoded::decode(a, span.codes, chunk, half, part);
          ptx::multiply_add<Number>(sum[half % decoded::sums], a, b[half]);
        }
    }
    add_group<decoded>(y, sum, span.parameters.of[q], x.sums((first_chunk / group_chunks) + q));
  }
}

/// Adds up what the warps found for a tile and writes it, or, where the inputs are split, lets the last of the blocks
/// that have a slice of the tile add up all of them in order.
template <int Warps, class Number>
__device__ void finish_tile(gemv_arguments<Number> const& p, gemv_shared<Warps>& shared, int buffer, int tile,
                            float const (&y)[4]) {
  int const thread = static_cast<int>(threadIdx.x), lane = thread % 32, g = lane / 4, t = lane % 4;
  float* const mine = shared.sums[buffer][thread / 32];
  if (2 * t < p.x.tokens) {
    mine[32 * t + g] = y[0];
    mine[32 * t + 16 + g] = y[1];
    mine[32 * t + 8 + g] = y[2];
    mine[32 * t + 24 + g] = y[3];
  }
  __syncthreads();
  int const row = tile * device_layout::tile_rows + thread % 16, token = thread / 16;
  bool const writes = token < p.x.tokens && row < p.w.rows;
  float total = 0;
  if (writes)
    for (int w = 0; w < Warps; ++w) total += shared.sums[buffer][w][thread];
  int const slices = static_cast<int>(gridDim.y);
  if (slices > 1) {
    int const tiles = p.w.tiles();
    auto const place = [&](int slice) { return (std::int64_t{slice} * tiles + tile) * tile_results + thread; };
    if (writes) p.partial[place(static_cast<int>(blockIdx.y))] = total;
    if (!came_last(p.counters + tile, gridDim.y, shared.arrived[0])) return;
    total = 0;
    if (writes)
      for (int slice = 0; slice < slices; ++slice) total += p.partial[place(slice)];
  }
  if (!writes) return;
  float* const to = p.y + std::int64_t{token} * p.w.rows + row;
  *to = p.accumulate ? *to + total : total;
}

}  // namespace kernels

/// A block takes every gridDim.x-th tile and the blockIdx.y-th slice of its inputs.
template <int Bits, int Group, class Number, int Warps, int Prefetch, int Blocks>
AMQ_CUDA_KERNEL void __launch_bounds__(32 * Warps, Blocks) gemv_kernel(gemv_arguments<Number> const p) {
  auto& shared = *reinterpret_cast<kernels::gemv_shared<Warps>*>(ptx::dynamic_shared());
  int const warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  int const tiles = p.w.tiles(), spans = p.w.spans();
  int const first_span = static_cast<int>(blockIdx.y) * p.slice_spans;
  int const slice = min(p.slice_spans, spans - first_span);

  span_registers<Bits, Group> held[Prefetch];
  kernels::gemv_cursor ahead{static_cast<int>(blockIdx.x)}, here = ahead;
  auto const fetch = [&](span_registers<Bits, Group>& to) {
    if (ahead.tile < tiles && ahead.first + warp < slice) {
      to.load(p.w.data, ahead.tile * spans + first_span + ahead.first + warp, lane);
    }
    ahead.advance<Warps>(slice);
  };
#pragma unroll
  for (int i = 0; i < Prefetch; ++i) fetch(held[i]);

  auto const staged = kernels::stage_tokens<Group>(p.x, first_span * device_layout::span_inputs, slice,
                                                   ptx::dynamic_shared() + sizeof(shared));
  __syncthreads();

  float y[4] = {};
  int buffer = 0;
  while (here.tile < tiles) {
#pragma unroll
    for (int i = 0; i < Prefetch; ++i) {
      if (here.tile >= tiles) break;
      if (here.first + warp < slice)
        kernels::multiply_span<Bits, Group, Number>(y, held[i], staged,
                                                    (here.first + warp) * device_layout::span_chunks);
      fetch(held[i]);
      if (here.last<Warps>(slice)) {
        kernels::finish_tile<Warps>(p, shared, buffer, here.tile, y);
        buffer ^= 1;
        y[0] = y[1] = y[2] = y[3] = 0;
      }
      here.advance<Warps>(slice);
    }
  }
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
