// The angle by which rotary positions (RoPE, arXiv 2104.09864) turn a pair of elements.
#pragma once

#include <cuda_runtime.h>

#include "amq/cuda/abi.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

struct rotation {
  float cosine;
  float sine;

  /// (a, b) turned.
  __device__ float first(float a, float b) const { return a * cosine - b * sine; }
  __device__ float second(float a, float b) const { return b * cosine + a * sine; }
};

/// By `frequency` radians a position. The angle is rounded to f32, as on the host (model/rope.hpp) and where models
/// were trained; whole turns leave it in f64, so that no position is too far for the sine's short path: within 3e-7.
__device__ inline rotation rotation_at(int position, float frequency) {
  constexpr double turns_a_radian = 0.15915494309189535;
  double const turns = static_cast<double>(static_cast<float>(position) * frequency) * turns_a_radian;
  rotation r;
  sincospif(static_cast<float>(2 * (turns - rint(turns))), &r.sine, &r.cosine);
  return r;
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
