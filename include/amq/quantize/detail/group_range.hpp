// Smallest and largest of a group of weights, from which every affine quantizer starts.
#pragma once

#include "amq/core/matrix.hpp"

namespace amq::detail {

struct group_range {
  float low;
  float high;
  bool finite;  ///< no value is NaN or infinite; low and high mean nothing otherwise
};

}  // namespace amq::detail

#define AMQ_SIMD_BODY "amq/quantize/detail/group_range.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::simd {

/// Of `count` >= 1 values. The same for every instruction set.
inline amq::detail::group_range range_of(float const* values, index count, isa which = best_isa()) {
  return AMQ_SIMD_CALL(which, range_of(values, count));
}

}  // namespace amq::simd
