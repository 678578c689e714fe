// GPTQ's recursion within one block of columns, for many rows at once.
#pragma once

#include <cstdint>

#include "amq/core/matrix.hpp"

namespace amq::detail {

/// A block of columns, transposed: arrays are (columns, stride), one row of the weights beside the other.
struct gptq_block {
  index columns;
  index stride;
  float const* weights;  ///< before anything was quantized
  float const* running;  ///< with the errors of earlier blocks made up for
  float const* inverse;  ///< (columns, columns), lower triangular: U^T of the block
  index inverse_stride;
  std::int32_t const* groups;  ///< of each column
  float const* scales;         ///< (groups, stride)
  float const* zeros;          ///< (groups, stride)
  float highest;
  std::uint8_t* codes;
  float* errors;  ///< weights - quantized
};

}  // namespace amq::detail

#define AMQ_SIMD_BODY "amq/quantize/detail/gptq_block.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::simd {

/// Rows that any instruction set takes at once divide this: `stride` and `rows` below are multiples of it.
inline constexpr index gptq_row_step = 16;

/// Codes and errors of `rows` rows. Returns the sum of (w_i - q_i)^2 / U_ii^2. `scratch`: columns * gptq_row_step.
inline double gptq_quantize_block(amq::detail::gptq_block const& block, index rows, float* scratch,
                                  isa which = best_isa()) {
  return AMQ_SIMD_CALL(which, gptq_quantize_block(block, rows, scratch));
}

/// low = min(low, values), high = max(high, values), elementwise for `count` values, a multiple of gptq_row_step.
inline void widen_ranges(float const* values, index count, float* low, float* high, isa which = best_isa()) {
  AMQ_SIMD_CALL(which, widen_ranges(values, count, low, high));
}

}  // namespace amq::simd
