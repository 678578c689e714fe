// Activations of many tokens on their way through shared memory, a span of 128 inputs a stage.
#pragma once

#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/gemv/staged_tokens.cuh"
#include "amq/cuda/layout/device_layout.hpp"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// What a block reads: tokens [first, first + Tokens) of x and their groups' sums.
template <class Number>
struct token_block {
  token_slice<Number> x;
  float const* sums;  ///< (groups, stride)
  int stride;
  int first;
};

/// One stage. Units of 8 inputs of a token follow each other, except that odd tokens have their chunks swapped in
/// pairs: the eight lanes that read shared memory at a time, four units of two tokens, then meet 32 different banks.
template <int Group, int Tokens>
struct token_stage {
  static constexpr int groups = device_layout::span_inputs / Group;
  static constexpr int token_units = device_layout::span_inputs / kernels::unit_inputs;

  uint4 units[Tokens * token_units];
  float sums[groups][Tokens];

  __device__ static int place(int token, int unit) { return token * token_units + (unit ^ (token % 2 * 4)); }

  /// Inputs 8 t ... 8 t + 7 of a chunk of a token.
  __device__ uint4 const& at(int token, int chunk, int t) const { return units[place(token, 4 * chunk + t)]; }

  /// Starts to copy a span; all threads of the block.
  template <class Number>
  __device__ void fill(token_block<Number> const& from, int span) {
    int const thread = static_cast<int>(threadIdx.x), threads = static_cast<int>(blockDim.x);
    for (int i = thread; i < Tokens * token_units; i += threads) {
      int const token = i / token_units, unit = i % token_units;
      int const input = span * device_layout::span_inputs + unit * kernels::unit_inputs;
      bool const valid = from.first + token < from.x.tokens && input < from.x.cols;
      auto const offset = valid ? std::int64_t{from.first + token} * from.x.cols + input : 0;
      ptx::copy_async_16(&units[place(token, unit)], from.x.data + offset, valid);
    }
    for (int i = thread; i < groups * Tokens / 4; i += threads) {
      int const group = i / (Tokens / 4), token = i % (Tokens / 4) * 4;
      ptx::copy_async_16(&sums[group][token],
                         from.sums + std::int64_t{span * groups + group} * from.stride + from.first + token);
    }
  }
};

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
