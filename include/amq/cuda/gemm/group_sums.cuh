// Sums of activations over groups, which a product with more than a few tokens needs once for all its rows.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/gemv/staged_tokens.cuh"
#include "amq/cuda/launch.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
namespace kernels {

/// A warp sums 256 inputs of a token. sums (groups of all spans, stride): zeros beyond the last input and token.
template <int Group, class Number>
AMQ_CUDA_KERNEL void group_sums_kernel(token_slice<Number> const x, int groups, int stride, float* sums) {
  constexpr int group_units = Group / unit_inputs;
  int const unit = static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x), token = static_cast<int>(blockIdx.x);
  bool const valid = token < x.tokens && unit * unit_inputs < x.cols;
  float sum = 0;
  if (valid) {
    auto const from = x.data + std::int64_t{token} * x.cols + unit * unit_inputs;
    sum = sum_of<Number>(*reinterpret_cast<uint4 const*>(from));
  }
#pragma unroll
  for (int step = 1; step < group_units; step *= 2) sum += __shfl_xor_sync(~0u, sum, step);
  int const group = unit / group_units;
  if (unit % group_units == 0 && group < groups) sums[std::int64_t{group} * stride + token] = sum;
}

}  // namespace kernels

/// sums (groups, stride) in f32 of x (tokens, cols); groups are those of all spans that cover cols. Tokens up to stride
/// get 0. Asynchronous.
template <int Group, class Number>
void group_sums(token_slice<Number> const& x, int stride, float* sums, cudaStream_t on) {
  constexpr unsigned threads = 128;
  int const spans = device_layout::spans(x.cols);
  launch({dim3(unsigned(stride), pieces(spans * (device_layout::span_inputs / kernels::unit_inputs), threads)),
          dim3(threads), 0, on},
         kernels::group_sums_kernel<Group, Number>, x, spans * (device_layout::span_inputs / Group), stride, sums);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
