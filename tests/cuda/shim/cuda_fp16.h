// __half: 16 bits that convert to and from f32. No arithmetic: kernels compute in f32.
#pragma once

#include <cuda_runtime.h>

#include "shim/half.hpp"

struct alignas(2) __half {
  __half() = default;
  __half(float x) : bits(shim::f32_to_f16(x)) {}
  operator float() const { return shim::f16_to_f32(bits); }

  unsigned short bits;
};

inline __half __ushort_as_half(unsigned short bits) {
  __half made;
  made.bits = bits;
  return made;
}
inline unsigned short __half_as_ushort(__half x) { return x.bits; }
inline __half __float2half_rn(float x) { return x; }
inline __half __float2half(float x) { return x; }
inline float __half2float(__half x) { return x; }
