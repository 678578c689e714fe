// A tile of scores in fragments of tensor cores, and the softmax that is corrected as tiles pass (arXiv 1805.02867,
// 2205.14135).
#pragma once

#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/attention/problem.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Numbers that a row of a tile has more in shared memory than it needs: with them no two rows of a matrix that is
/// loaded begin in the same banks.
inline constexpr int padding_numbers = 8;

/// scores (16, Keys) = queries (16, Size) keys^T. Lane i holds of rows i / 4 and i / 4 + 8 the columns 8n + 2 (i % 4)
/// and the next, of each n.
template <class Number, int Size, int Keys>
__device__ void score_keys(std::uint32_t const (&queries)[Size / 16][4], Number const (*keys)[Size + padding_numbers],
                           float (&scores)[Keys / 8][4], int lane) {
#pragma unroll
  for (int n = 0; n < Keys / 8; ++n) scores[n][0] = scores[n][1] = scores[n][2] = scores[n][3] = 0;
#pragma unroll
  for (int k = 0; k < Size / 16; ++k)
#pragma unroll
    for (int n = 0; n < Keys / 16; ++n) {
      std::uint32_t loaded[4];
      ptx::load_matrices(loaded, &keys[16 * n + lane / 16 * 8 + lane % 8][16 * k + lane / 8 % 2 * 8]);
      std::uint32_t const left[2] = {loaded[0], loaded[1]}, right[2] = {loaded[2], loaded[3]};
      ptx::multiply_add<Number>(scores[2 * n], queries[k], left);
      ptx::multiply_add<Number>(scores[2 * n + 1], queries[k], right);
    }
}

/// outputs (16, Size) += weights (16, Keys) values, the weights rounded to Number.
template <class Number, int Size, int Keys>
__device__ void add_values(float const (&weights)[Keys / 8][4], Number const (*values)[Size + padding_numbers],
                           float (&outputs)[Size / 8][4], int lane) {
#pragma unroll
  for (int k = 0; k < Keys / 16; ++k) {
    auto const &left = weights[2 * k], &right = weights[2 * k + 1];
    std::uint32_t const rows[4] = {ptx::pair<Number>(left[0], left[1]), ptx::pair<Number>(left[2], left[3]),
                                   ptx::pair<Number>(right[0], right[1]), ptx::pair<Number>(right[2], right[3])};
#pragma unroll
    for (int n = 0; n < Size / 16; ++n) {
      std::uint32_t loaded[4];
      ptx::load_matrices_transposed(loaded, &values[16 * k + lane % 16][16 * n + lane / 16 * 8]);
      std::uint32_t const low[2] = {loaded[0], loaded[1]}, high[2] = {loaded[2], loaded[3]};
      ptx::multiply_add<Number>(outputs[2 * n], rows, low);
      ptx::multiply_add<Number>(outputs[2 * n + 1], rows, high);
    }
  }
}

/// Hides from a lane's two rows, which stand at `positions`, the keys they do not see; `first` is the tile's first key.
template <int Keys>
__device__ void hide_keys(float (&scores)[Keys / 8][4], int first, int const (&positions)[2], int window, int lane) {
#pragma unroll
  for (int n = 0; n < Keys / 8; ++n)
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      int const key = first + 8 * n + lane % 4 * 2 + e % 2, position = positions[e / 2];
      if (key > position || (window > 0 && key <= position - window)) scores[n][e] = unseen;
    }
}

/// The largest score so far of a lane's two rows, and the lane's share of the sum of the weights 2^(factor (score -
/// largest)).
struct softmax_state {
  float largest[2] = {unseen, unseen};
  float sums[2] = {0, 0};

  /// Turns scores into weights, and corrects the outputs so far for new largest scores. factor > 0.
  template <int Columns, int Outputs>
  __device__ void weigh(float (&scores)[Columns][4], float (&outputs)[Outputs][4], float factor) {
    float const corrections[2] = {weigh_row(scores, 0, factor), weigh_row(scores, 1, factor)};
    if (!__any_sync(0xffffffffu, corrections[0] != 1 || corrections[1] != 1)) return;
#pragma unroll
    for (int n = 0; n < Outputs; ++n)
#pragma unroll
      for (int e = 0; e < 4; ++e) outputs[n][e] *= corrections[e / 2];
  }

  /// Row h of the lane's two. Returns what its outputs so far are to be multiplied by.
  template <int Columns>
  __device__ float weigh_row(float (&scores)[Columns][4], int h, float factor) {
    float most = largest[h];
#pragma unroll
    for (int n = 0; n < Columns; ++n) most = fmaxf(most, fmaxf(scores[n][2 * h], scores[n][2 * h + 1]));
    most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 1));
    most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 2));
    // A row that has seen nothing yet keeps weights of 0: minus infinity is never subtracted from itself.
    float const shift = most == unseen ? 0 : most * factor;
    float const correction = exp2f(largest[h] * factor - shift);
    float sum = 0;
#pragma unroll
    for (int n = 0; n < Columns; ++n)
#pragma unroll
      for (int e = 0; e < 2; ++e) sum += scores[n][2 * h + e] = exp2f(scores[n][2 * h + e] * factor - shift);
    largest[h] = most;
    sums[h] = sums[h] * correction + sum;
    return correction;
  }

  /// The whole sum of row h of the lane's two.
  __device__ float sum(int h) const {
    float const half = sums[h] + __shfl_xor_sync(0xffffffffu, sums[h], 1);
    return half + __shfl_xor_sync(0xffffffffu, half, 2);
  }
};

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
