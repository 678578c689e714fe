// Activations in the order of inputs in which decoded codes are multiplied, for products that read them as they lie.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/gemv/staged_tokens.cuh"
#include "amq/cuda/launch.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Where permuted activations and their groups' sums go.
template <class Number>
struct permuted_tokens {
  Number* x;    ///< (tokens, 128 spans), zeros beyond the last input
  float* sums;  ///< (groups, stride), zeros beyond the last token
  int stride;
};

namespace kernels {

/// A thread has 8 inputs of a token, the four pairs (half, a / 2) of lanes t of a chunk: pair (h, i) of lane t goes to
/// numbers 16 h + 8 i + 2 t and + 1 of the chunk.
template <int Group, class Number>
AMQ_CUDA_KERNEL void permute_tokens_kernel(token_slice<Number> const x, int units, permuted_tokens<Number> const to) {
  constexpr int group_units = Group / unit_inputs;
  int const unit = static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x), token = static_cast<int>(blockIdx.x);
  uint4 v = make_uint4(0, 0, 0, 0);
  if (token < x.tokens && unit * unit_inputs < x.cols)
    v = *reinterpret_cast<uint4 const*>(x.data + std::int64_t{token} * x.cols + unit * unit_inputs);
  float sum = sum_of<Number>(v);
#pragma unroll
  for (int step = 1; step < group_units; step *= 2) sum += __shfl_xor_sync(~0u, sum, step);
  if (unit >= units) return;
  if (unit % group_units == 0) to.sums[std::int64_t{unit / group_units} * to.stride + token] = sum;
  if (token >= x.tokens) return;
  auto const words =
      reinterpret_cast<std::uint32_t*>(to.x) + (std::int64_t{token} * units + unit / 4 * 4) * 4 + unit % 4;
  words[0] = v.x;
  words[4] = v.y;
  words[8] = v.z;
  words[12] = v.w;
}

}  // namespace kernels

/// Permutes x (tokens, cols) and sums its groups in f32. Asynchronous.
template <int Group, class Number>
void permute_tokens(token_slice<Number> const& x, permuted_tokens<Number> const& to, cudaStream_t on) {
  constexpr unsigned threads = 128;
  int const units = device_layout::spans(x.cols) * (device_layout::span_inputs / kernels::unit_inputs);
  launch({dim3(unsigned(to.stride), pieces(units, threads)), dim3(threads), 0, on},
         kernels::permute_tokens_kernel<Group, Number>, x, units, to);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
