// __nv_bfloat16: 16 bits that convert to and from f32. No arithmetic: kernels compute in f32.
#pragma once

#include <cuda_runtime.h>

#include "shim/half.hpp"

struct alignas(2) __nv_bfloat16 {
  __nv_bfloat16() = default;
  __nv_bfloat16(float x) : bits(shim::f32_to_bf16(x)) {}
  operator float() const { return shim::bf16_to_f32(bits); }

  unsigned short bits;
};

inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits) {
  __nv_bfloat16 made;
  made.bits = bits;
  return made;
}
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 x) { return x.bits; }
inline __nv_bfloat16 __float2bfloat16_rn(float x) { return x; }
inline __nv_bfloat16 __float2bfloat16(float x) { return x; }
inline float __bfloat162float(__nv_bfloat16 x) { return x; }
