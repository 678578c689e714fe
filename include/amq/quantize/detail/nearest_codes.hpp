// Nearest codes of a group under a scale and a minimum, as floats.
#pragma once

#include "amq/core/matrix.hpp"

#define AMQ_SIMD_BODY "amq/quantize/detail/nearest_codes.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::simd {

/// codes = round(clamp((values + minimum) * inverse, lowest, highest)), half to even. The same for every instruction
/// set.
inline void nearest_codes(float const* values, index size, float minimum, float inverse, float lowest, float highest,
                          float* codes, isa which = best_isa()) {
  AMQ_SIMD_CALL(which, nearest_codes(values, size, minimum, inverse, lowest, highest, codes));
}

}  // namespace amq::simd
