// A few tokens' activations in shared memory, in the order in which lanes read them, with the sums of their groups.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/layout/device_layout.hpp"
#include "amq/cuda/layout/parameters.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Activations (tokens, cols), at most 8 tokens.
template <class Number>
struct token_slice {
  Number const* data;
  int tokens;
  int cols;
};

/// What a lane reads of staged tokens. Column g of a product is token g; columns without a token repeat the last one,
/// and their results are not used.
struct staged_tokens {
  uint4 const* units;  ///< of 8 inputs, this lane's first
  int chunk_units;     ///< from a chunk to the next
  float2 const* group_sums;

  __device__ uint4 chunk(int c) const { return units[c * chunk_units]; }
  /// Sums of x over a group, of tokens 2 t and 2 t + 1.
  __device__ float2 sums(int group) const { return group_sums[4 * group]; }
};

namespace kernels {

inline constexpr int unit_inputs = 8;  ///< 16 bytes of 16-bit numbers

/// Bytes of shared memory for `spans` spans of `tokens` tokens.
constexpr int staged_bytes(int spans, int tokens, int group) {
  return spans * (device_layout::span_inputs * 2 * tokens + device_layout::span_inputs / group * 8 * 4);
}

template <class Number>
__device__ float sum_of(uint4 const& unit) {
  float2 const a = unpacked<Number>(unit.x), b = unpacked<Number>(unit.y), c = unpacked<Number>(unit.z),
               d = unpacked<Number>(unit.w);
  return ((a.x + a.y) + (b.x + b.y)) + ((c.x + c.y) + (d.x + d.y));
}

/// Brings inputs [first, first + 128 spans) of all tokens to `shared`, zeros beyond the last. Called by all threads of
/// the block; a barrier has to follow.
template <int Group, class Number>
__device__ staged_tokens stage_tokens(token_slice<Number> const& x, int first, int spans, unsigned char* shared) {
  constexpr int chunk_units = device_layout::chunk_inputs / unit_inputs, group_units = Group / unit_inputs;
  int const thread = static_cast<int>(threadIdx.x), threads = static_cast<int>(blockDim.x), lane = thread % 32;
  int const count = spans * (device_layout::span_inputs / unit_inputs);
  auto const sums = reinterpret_cast<float*>(shared);
  auto const units = reinterpret_cast<uint4*>(sums + spans * (device_layout::span_inputs / Group) * 8);
  auto const place = [&](int token, int u) {
    return units + (u / chunk_units * x.tokens + token) * chunk_units + u % chunk_units;
  };
  for (int token = 0; token < x.tokens; ++token)
    for (int u = thread; u < count; u += threads) {
      int const input = first + unit_inputs * u;
      bool const valid = input < x.cols;
      ptx::copy_async_16(place(token, u), x.data + (valid ? std::int64_t{token} * x.cols + input : 0), valid);
    }
  ptx::commit_copies();
  ptx::wait_copies<0>();
  for (int token = 0; token < x.tokens; ++token)
    for (int warp_first = thread - lane; warp_first < count; warp_first += threads) {
      int const u = warp_first + lane;
      float sum = u < count ? sum_of<Number>(*place(token, u)) : 0;
#pragma unroll
      for (int step = 1; step < group_units; step *= 2) sum += __shfl_xor_sync(~0u, sum, step);
      if (u < count && u % group_units == 0) {
        sums[u / group_units * 8 + token] = sum;
        if (token + 1 == x.tokens)
          for (int unused = x.tokens; unused < 8; ++unused) sums[u / group_units * 8 + unused] = 0;
      }
    }
  int const token = min(lane / 4, x.tokens - 1), t = lane % 4;
  return {units + token * chunk_units + t, x.tokens * chunk_units, reinterpret_cast<float2 const*>(sums) + t};
}

}  // namespace kernels
}  // namespace amq::cuda::inline AMQ_CUDA_ABI
