// The three kinds of numbers that activations are: f32, f16 and bf16.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "amq/core/dtype.hpp"

namespace amq::cuda {

using f16 = __half;
using bf16 = __nv_bfloat16;

__host__ __device__ inline float to_f32(float x) { return x; }
__host__ __device__ inline float to_f32(f16 x) { return __half2float(x); }
__host__ __device__ inline float to_f32(bf16 x) { return __bfloat162float(x); }

/// Rounds to nearest, ties to even.
template <class Number>
__host__ __device__ Number from_f32(float x);
template <>
__host__ __device__ inline float from_f32<float>(float x) {
  return x;
}
template <>
__host__ __device__ inline f16 from_f32<f16>(float x) {
  return __float2half_rn(x);
}
template <>
__host__ __device__ inline bf16 from_f32<bf16>(float x) {
  return __float2bfloat16_rn(x);
}

template <class Number>
inline constexpr dtype dtype_of = dtype::f32;
template <>
inline constexpr dtype dtype_of<f16> = dtype::f16;
template <>
inline constexpr dtype dtype_of<bf16> = dtype::bf16;

}  // namespace amq::cuda
