// RMSNorm (arXiv 1910.07467) of the rows of a matrix.
#pragma once

#include <cstdint>

#include <cub/block/block_reduce.cuh>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/number.cuh"
#include "amq/cuda/pack.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// How many threads share a row.
struct rms_norm_tuning {
  static constexpr int threads = 256;
};

template <int Threads>
struct rms_norm_shared {
  typename cub::BlockReduce<float, Threads>::TempStorage reduction;
  float factor;
};

/// One row of x a block, which is read twice: the second time it is near.
template <class Number, int Width, class Tuning>
AMQ_CUDA_KERNEL void rms_norm_kernel(float const* x, float const* weight, float epsilon, int cols, Number* out) {
  constexpr int threads = Tuning::threads;
  auto& shared = *reinterpret_cast<rms_norm_shared<threads>*>(ptx::dynamic_shared());
  std::int64_t const row = static_cast<std::int64_t>(blockIdx.x) * cols;
  int const first = static_cast<int>(threadIdx.x) * Width;
  float squares = 0;
  for (int i = first; i < cols; i += threads * Width) {
    auto const v = pack<float, Width>::load(x + row + i);
    for (int w = 0; w < Width; ++w) squares += v.values[w] * v.values[w];
  }
  float const sum = cub::BlockReduce<float, threads>(shared.reduction).Sum(squares);
  if (threadIdx.x == 0) shared.factor = 1 / sqrtf(sum / static_cast<float>(cols) + epsilon);
  __syncthreads();
  float const factor = shared.factor;
  for (int i = first; i < cols; i += threads * Width) {
    auto const v = pack<float, Width>::load(x + row + i), scale = pack<float, Width>::load(weight + i);
    pack<Number, Width> made;
    for (int w = 0; w < Width; ++w) made.values[w] = from_f32<Number>(scale.values[w] * (v.values[w] * factor));
    made.store(out + row + i);
  }
}

/// out = weight * x / sqrt(mean(x^2) + epsilon) for each row of x (rows, cols), weight (cols); all on the device.
/// Number is float, f16 or bf16; `out` may be x where it is float. Sums in f32; a row's result has the same bits
/// whatever the other rows are. Asynchronous; throws cuda_error.
template <class Number, class Tuning = rms_norm_tuning>
void rms_norm(float const* x, float const* weight, float epsilon, int rows, int cols, Number* out, cudaStream_t on) {
  AMQ_EXPECTS(rows >= 0 && cols >= 1, "RMSNorm takes rows of at least one number, and no fewer than 0 of them");
  if (rows == 0) return;
  launch_shape const shape{dim3(static_cast<unsigned>(rows)), dim3(Tuning::threads),
                           sizeof(rms_norm_shared<Tuning::threads>), on};
  if (rows_in_fours(cols, x, weight, out))
    launch(shape, rms_norm_kernel<Number, 4, Tuning>, x, weight, epsilon, cols, out);
  else
    launch(shape, rms_norm_kernel<Number, 1, Tuning>, x, weight, epsilon, cols, out);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
