// Scale and zero of a group from the range of its weights, as the host's round to nearest has them.
#pragma once

#include <cuda_runtime.h>

#include "amq/cuda/abi.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
namespace quantizing {

struct weight_range {
  float low;
  float high;
};

struct group_parameters {
  float scale;
  float zero;
};

/// GPTQ's own rounding: the range is widened to hold 0 and, where symmetric, mirrored at 0.
__device__ inline group_parameters gptq_parameters(weight_range range, float highest, bool symmetric) {
  float low = 0 < range.low ? 0.0f : range.low;
  float high = range.high < 0 ? 0.0f : range.high;
  if (symmetric) {
    high = fmaxf(-low, high);
    if (low < 0) low = -high;
  }
  if (low == 0 && high == 0) {
    low = -1;
    high = 1;
  }
  float const scale = (high - low) / highest;
  return {scale, symmetric ? (highest + 1) / 2 : rintf(-low / scale)};
}

/// AWQ's: 0 is not forced into the range, the zero is clamped.
__device__ inline group_parameters awq_parameters(weight_range range, float highest) {
  constexpr float narrowest = 1e-5f;
  float const scale = fmaxf(range.high - range.low, narrowest) / highest;
  return {scale, fminf(fmaxf(-rintf(range.low / scale), 0.0f), highest)};
}

__device__ inline float code_by_division(float weight, group_parameters of, float highest) {
  return fminf(fmaxf(rintf(weight / of.scale) + of.zero, 0.0f), highest);
}

}  // namespace quantizing
}  // namespace amq::cuda::inline AMQ_CUDA_ABI
