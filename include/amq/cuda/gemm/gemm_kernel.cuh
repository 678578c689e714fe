// The kernel of products with more than a few tokens: each warp decodes its own rows' codes once for all tokens of its
// block, which come through shared memory.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/gemm/parameter_stage.cuh"
#include "amq/cuda/gemm/token_stages.cuh"
#include "amq/cuda/gemv/last_block.cuh"
#include "amq/cuda/layout/device_matrix.cuh"
#include "amq/cuda/layout/fragment.cuh"
#include "amq/cuda/layout/span_registers.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

template <class Number>
struct gemm_arguments {
  device_matrix w;
  token_block<Number> x;  ///< of all tokens; blockIdx.y is the block of them
  int slice_spans;        ///< of 128 inputs; blockIdx.z is the slice
  float* y;               ///< (tokens, rows)
  bool accumulate;
  float* partial;      ///< (slices, tokens, rows), where there is more than one slice
  unsigned* counters;  ///< (blocks of tokens, blocks of rows), 0 before and after
};

namespace kernels {

/// What a warp makes: Tiles x 16 rows of Tokens tokens. With g = lane / 4 and t = lane % 4, of[i][n] is (row g, tokens
/// 8 n + 2 t and + 1) and (row g + 8, the same) of tile i.
template <int Tiles, int Tokens>
struct warp_results {
  static constexpr int columns = Tokens / 8;
  float of[Tiles][columns][4] = {};

  /// Calls work(value, index in a (tokens, rows) matrix) for all that exist.
  template <class Work>
  __device__ void for_each(device_matrix const& w, int first_tile, int first_token, int tokens, Work&& work) {
    int const lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
    for (int i = 0; i < Tiles; ++i)
#pragma unroll
      for (int n = 0; n < columns; ++n)
#pragma unroll
        for (int k = 0; k < 4; ++k) {
          int const row = (first_tile + i) * device_layout::tile_rows + lane / 4 + 8 * (k / 2);
          int const token = first_token + 8 * n + 2 * (lane % 4) + k % 2;
          if (row < w.rows && token < tokens) work(of[i][n][k], std::int64_t{token} * w.rows + row);
        }
  }
};

/// What a block needs of a span besides codes.
template <int Group, int BlockTiles, int Tokens>
struct gemm_stage {
  token_stage<Group, Tokens> tokens;
  parameter_stage<Group, BlockTiles> parameters;
};

/// `parameters` are those of the warp's first tile and those after it.
template <class Number, int Bits, int Group, int Tiles, int Tokens, int BlockTiles>
__device__ void multiply_stage(warp_results<Tiles, Tokens>& y, span_codes<Bits> const (&w)[Tiles],
                               gemm_stage<Group, BlockTiles, Tokens> const& stage, int first_tile) {
  auto const& x = stage.tokens;
  using decoded = fragment<Bits, Number>;
  constexpr int group_chunks = Group / device_layout::chunk_inputs, columns = Tokens / 8;
  int const lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
#pragma unroll
  for (int q = 0; q < device_layout::span_inputs / Group; ++q) {
    float sum[Tiles][columns][1][4] = {};
#pragma unroll
    for (int c = 0; c < group_chunks; ++c) {
      int const chunk = q * group_chunks + c;
      std::uint32_t a[Tiles][2][decoded::parts][4];
#pragma unroll
      for (int i = 0; i < Tiles; ++i)
#pragma unroll
        for (int half = 0; half < 2; ++half)
#pragma unroll
          for (int part = 0; part < decoded::parts; ++part) decoded::decode(a[i][half][part], w[i], chunk, half, part);
#pragma unroll
      for (int n = 0; n < columns; ++n) {
        uint4 const v = x.at(8 * n + g, chunk, t);
        std::uint32_t const b[2][2] = {{v.x, v.y}, {v.z, v.w}};
#pragma unroll
        for (int half = 0; half < 2; ++half)
#pragma unroll
          for (int i = 0; i < Tiles; ++i)
#pragma unroll
            for (int part = 0; part < decoded::parts; ++part)
              ptx::multiply_add<Number>(sum[i][n][0], a[i][half][part], b[half]);
      }
    }
#pragma unroll
    for (int n = 0; n < columns; ++n) {
      float2 const sums = *reinterpret_cast<float2 const*>(&x.sums[q][8 * n + 2 * t]);
#pragma unroll
      for (int i = 0; i < Tiles; ++i)
        add_group<decoded>(y.of[i][n], sum[i][n], stage.parameters.of[first_tile + i][g][q], sums);
    }
  }
}

}  // namespace kernels

/// Block (x, y, z) multiplies Warps x Tiles tiles, Tokens tokens and a slice of the inputs.
template <int Bits, int Group, class Number, int Warps, int Tiles, int Tokens, int Stages, int Blocks>
AMQ_CUDA_KERNEL void __launch_bounds__(32 * Warps, Blocks) gemm_kernel(gemm_arguments<Number> const p) {
  using stage = kernels::gemm_stage<Group, Warps * Tiles, Tokens>;
  constexpr int span_bytes = span_registers<Bits, Group>::span_bytes;
  auto const stages = reinterpret_cast<stage*>(ptx::dynamic_shared());
  int const warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  int const tiles = p.w.tiles(), spans = p.w.spans();
  int const block_tile = static_cast<int>(blockIdx.x) * Warps * Tiles, first_tile = block_tile + warp * Tiles;
  int const first_span = static_cast<int>(blockIdx.z) * p.slice_spans;
  int const end_span = min(spans, first_span + p.slice_spans);
  token_block<Number> x = p.x;
  x.first = static_cast<int>(blockIdx.y) * Tokens;

  span_codes<Bits> held[Tiles], next[Tiles];
  auto const fetch = [&](int span) {
    if (span >= end_span) return;
#pragma unroll
    for (int i = 0; i < Tiles; ++i)
      load_codes(next[i], p.w.data + (std::int64_t{min(first_tile + i, tiles - 1)} * spans + span) * span_bytes, lane);
  };
  auto const fill = [&](int span) {
    if (span < end_span) {
      auto& to = stages[(span - first_span) % Stages];
      to.tokens.fill(x, span);
      to.parameters.template fill<Bits>(p.w, block_tile, span);
    }
    ptx::commit_copies();
  };
  fetch(first_span);
#pragma unroll
  for (int s = 0; s < Stages - 1; ++s) fill(first_span + s);

  kernels::warp_results<Tiles, Tokens> y;
  for (int span = first_span; span < end_span; ++span) {
    ptx::wait_copies<Stages - 2>();
    __syncthreads();  // everyone's copies are there, and everyone is done with the stage that is filled next
    fill(span + Stages - 1);
#pragma unroll
    for (int i = 0; i < Tiles; ++i) held[i] = next[i];
    fetch(span + 1);
    kernels::multiply_stage<Number>(y, held, stages[(span - first_span) % Stages], warp * Tiles);
  }
  ptx::wait_copies<0>();

  auto const store = [&](float value, std::int64_t at) { p.y[at] = p.accumulate ? p.y[at] + value : value; };
  if (gridDim.z == 1) return y.for_each(p.w, first_tile, x.first, x.x.tokens, store);
  std::int64_t const results = std::int64_t{x.x.tokens} * p.w.rows;
  y.for_each(p.w, first_tile, x.first, x.x.tokens,
             [&](float value, std::int64_t at) { p.partial[blockIdx.z * results + at] = value; });
  auto& arrived = *reinterpret_cast<unsigned*>(stages + Stages);
  if (!kernels::came_last(p.counters + blockIdx.y * gridDim.x + blockIdx.x, gridDim.z, arrived)) return;
  y.for_each(p.w, first_tile, x.first, x.x.tokens, [&](float, std::int64_t at) {
    float total = 0;
    for (unsigned slice = 0; slice < gridDim.z; ++slice) total += p.partial[slice * results + at];
    store(total, at);
  });
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
