// Rows of 16-bit floating point to f32 and back, as core/half.hpp does for one number.
#pragma once

#include "amq/core/half.hpp"

#define AMQ_SIMD_BODY "amq/core/simd/detail/half_rows.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::simd {

/// out = x, exact; n numbers.
inline void f16_to_f32_row(std::uint16_t const* x, float* out, index n, isa which = best_isa()) {
  AMQ_SIMD_CALL(which, f16_to_f32_row(x, out, n));
}

/// out = x, exact; n numbers.
inline void bf16_to_f32_row(std::uint16_t const* x, float* out, index n, isa which = best_isa()) {
  AMQ_SIMD_CALL(which, bf16_to_f32_row(x, out, n));
}

/// out = x rounded half to even, infinity beyond 65504; n numbers.
inline void f32_to_f16_row(float const* x, std::uint16_t* out, index n, isa which = best_isa()) {
  AMQ_SIMD_CALL(which, f32_to_f16_row(x, out, n));
}

}  // namespace amq::simd
