// GPTQ's recursion within one block of columns: a warp takes a row, its threads four columns each.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/number.cuh"
#include "amq/cuda/ptx.cuh"
#include "amq/cuda/quantize/block_weights.cuh"
#include "amq/cuda/quantize/gptq_triangle.cuh"
#include "amq/cuda/quantize/group_parameters.cuh"
#include "amq/cuda/quantize/refusals.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
namespace quantizing {

/// How scales and zeros come about.
struct gptq_rule {
  float highest;
  int group;
  bool symmetric;
  bool fixed;  ///< scales and zeros are known before the first column is quantized
};

/// Columns [first, first + count) in processing order, of all rows.
struct gptq_block {
  weight_shape shape;
  int first;
  int count;             ///< at most gptq_columns, a multiple of 32
  float const* weights;  ///< (rows, cols), in processing order, before anything was quantized
  float const* running;  ///< (rows, gptq_columns), with the errors of earlier blocks made up for
  float const* inverse;  ///< (gptq_columns, gptq_columns), lower triangular: U^T of the block
  std::int32_t const* order;
  float* scales;        ///< (rows, groups)
  float* zeros;         ///< (rows, groups)
  std::uint8_t* codes;  ///< (rows, cols), not in processing order
  float* errors;        ///< (rows, gptq_columns): weights - quantized
};

/// The scale is what f16 holds of it, so that errors are those of the stored matrix.
__device__ inline group_parameters stored_parameters(weight_range range, gptq_rule rule, long long group,
                                                     quantize_refusals* refused) {
  auto of = gptq_parameters(range, rule.highest, rule.symmetric);
  float const held = to_f32(from_f32<f16>(of.scale));
  if (!(held * 0 == 0) || held == 0) refuse_parameter(refused, group, false, of.scale);
  of.scale = held;
  return of;
}

__device__ inline weight_range warp_range(weight_range range) {
#pragma unroll
  for (int step = 1; step < 32; step *= 2) {
    range.low = fminf(range.low, __shfl_xor_sync(whole_warp, range.low, step));
    range.high = fmaxf(range.high, __shfl_xor_sync(whole_warp, range.high, step));
  }
  return range;
}

inline constexpr int gptq_slots = gptq_columns / 32;

/// One row of a block: slot j of lane i is column 32 j + i.
struct gptq_row {
  float values[gptq_slots];
  group_parameters of[gptq_slots];
  float codes[gptq_slots];
};

/// Scales and zeros of this block's groups, from the weights as they are when the block begins.
__device__ inline void choose_groups(gptq_block const& block, gptq_rule rule, int row, int lane, gptq_row& own,
                                     quantize_refusals* refused) {
  weight_range ranges[gptq_slots];
#pragma unroll
  for (int j = 0; j < gptq_slots; ++j) ranges[j] = warp_range({own.values[j], own.values[j]});
#pragma unroll
  for (int j = 0; j < gptq_slots; ++j) {
    if (32 * j >= block.count) continue;
    int const group_in_block = 32 * j / rule.group;
    weight_range range = ranges[j];
#pragma unroll
    for (int other = 0; other < gptq_slots; ++other)
      if (32 * other / rule.group == group_in_block) {
        range.low = fminf(range.low, ranges[other].low);
        range.high = fmaxf(range.high, ranges[other].high);
      }
    long long const at = static_cast<long long>(row) * block.shape.groups + block.first / rule.group + group_in_block;
    own.of[j] = stored_parameters(range, rule, at, refused);
    if (lane == 0) {
      block.scales[at] = own.of[j].scale;
      block.zeros[at] = own.of[j].zero;
    }
  }
}

__device__ inline void read_groups(gptq_block const& block, gptq_rule rule, int row, int lane, gptq_row& own) {
#pragma unroll
  for (int j = 0; j < gptq_slots; ++j) {
    if (32 * j >= block.count) continue;
    int const group = block.order[block.first + 32 * j + lane] / rule.group;
    long long const at = static_cast<long long>(row) * block.shape.groups + group;
    own.of[j] = {block.scales[at], block.zeros[at]};
  }
}

/// U of the block, (columns, columns); a row is 129 words from the next, so that it can be stored transposed.
struct gptq_shared {
  float factor[gptq_columns][gptq_columns + 1];
};

/// Quantizes the row's columns one after the other; those to the right make up for each error.
__device__ inline void quantize_columns(gptq_shared const& shared, int count, float highest, int lane, gptq_row& own) {
#pragma unroll
  for (int j = 0; j < gptq_slots; ++j) {
    if (32 * j >= count) continue;
    for (int i = 0; i < 32; ++i) {
      float const* const factors = shared.factor[32 * j + i];
      float const value = __shfl_sync(whole_warp, own.values[j], i);
      float const scale = __shfl_sync(whole_warp, own.of[j].scale, i);
      float const zero = __shfl_sync(whole_warp, own.of[j].zero, i);
      float const code = code_by_division(value, {scale, zero}, highest);
      float const error = (value - (code - zero) * scale) / factors[32 * j + i];
      if (lane == i) own.codes[j] = code;
#pragma unroll
      for (int other = j; other < gptq_slots; ++other)
        own.values[other] = fmaf(-error, factors[32 * other + lane], own.values[other]);
    }
  }
}

/// A warp a row. The block's codes, errors and, unless they are fixed, scales and zeros.
template <int Warps>
AMQ_CUDA_KERNEL void gptq_block_kernel(gptq_block block, gptq_rule rule, quantize_refusals* refused) {
  auto& shared = *reinterpret_cast<gptq_shared*>(ptx::dynamic_shared());
  for (int at = static_cast<int>(threadIdx.x); at < gptq_columns * gptq_columns; at += 32 * Warps) {
    int const i = at / gptq_columns, k = at % gptq_columns;
    shared.factor[k][i] = i < block.count && k < block.count ? block.inverse[at] : 0;
  }
  __syncthreads();
  int const lane = static_cast<int>(threadIdx.x) % 32;
  int const row = static_cast<int>(blockIdx.x) * Warps + static_cast<int>(threadIdx.x) / 32;
  if (row >= block.shape.rows) return;
  gptq_row own{};
#pragma unroll
  for (int j = 0; j < gptq_slots; ++j)
    if (32 * j < block.count) own.values[j] = block.running[static_cast<long long>(row) * gptq_columns + 32 * j + lane];
  if (rule.fixed)
    read_groups(block, rule, row, lane, own);
  else
    choose_groups(block, rule, row, lane, own, refused);
  quantize_columns(shared, block.count, rule.highest, lane, own);
#pragma unroll
  for (int j = 0; j < gptq_slots; ++j) {
    int const column = 32 * j + lane;
    if (column >= block.count) continue;
    long long const start = static_cast<long long>(row) * block.shape.cols;
    float const quantized = (own.codes[j] - own.of[j].zero) * own.of[j].scale;
    block.codes[start + block.order[block.first + column]] = static_cast<std::uint8_t>(own.codes[j]);
    block.errors[static_cast<long long>(row) * gptq_columns + column] =
        block.weights[start + block.first + column] - quantized;
  }
}

}  // namespace quantizing
}  // namespace amq::cuda::inline AMQ_CUDA_ABI
