// Codes of a group of weights whose scale and zero are known, rounded half to even.
#pragma once

#include <cstdint>

#include "amq/core/matrix.hpp"

#define AMQ_SIMD_BODY "amq/quantize/detail/group_codes.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::simd {

/// codes = clamp(round(weights / scale) + zero, 0, highest), zero being whole. The same for every instruction set.
inline void codes_by_division(float const* weights, index size, float scale, float zero, float highest,
                              std::uint8_t* codes, isa which = best_isa()) {
  AMQ_SIMD_CALL(which, codes_by_division(weights, size, scale, zero, highest, codes));
}

/// codes = clamp(round(weights * steps + zero), 0, highest), zero being any number.
inline void codes_by_product(float const* weights, index size, float steps, float zero, float highest,
                             std::uint8_t* codes, isa which = best_isa()) {
  AMQ_SIMD_CALL(which, codes_by_product(weights, size, steps, zero, highest, codes));
}

}  // namespace amq::simd
