// The feed-forward network's gate (SwiGLU, arXiv 2002.05202), and biases.
#pragma once

#include <cstdint>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/number.cuh"
#include "amq/cuda/pack.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Rows are the grid's x, pieces of a row its y.
inline launch_shape elementwise_shape(int rows, int cols, int width, cudaStream_t on) {
  constexpr int threads = 256;
  return {dim3(static_cast<unsigned>(rows), pieces(cols, threads * width)), dim3(threads), 0, on};
}

template <int Width>
__device__ pack<float, Width> load_biased(float const* row, float const* bias, int i) {
  auto x = pack<float, Width>::load(row + i);
  if (bias == nullptr) return x;
  auto const b = pack<float, Width>::load(bias + i);
  for (int w = 0; w < Width; ++w) x.values[w] += b.values[w];
  return x;
}

template <class Number, int Width>
AMQ_CUDA_KERNEL void swiglu_kernel(float const* gate, float const* up, float const* gate_bias, float const* up_bias,
                                   int cols, Number* out) {
  std::int64_t const row = static_cast<std::int64_t>(blockIdx.x) * cols;
  int const i = static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x) * Width;
  if (i >= cols) return;
  auto const g = load_biased<Width>(gate + row, gate_bias, i), u = load_biased<Width>(up + row, up_bias, i);
  pack<Number, Width> made;
  for (int w = 0; w < Width; ++w) {
    float const silu = __fdividef(g.values[w], 1 + expf(-g.values[w]));
    made.values[w] = from_f32<Number>(silu * u.values[w]);
  }
  made.store(out + row + i);
}

template <int Width>
AMQ_CUDA_KERNEL void add_bias_kernel(float* y, float const* bias, int cols) {
  std::int64_t const row = static_cast<std::int64_t>(blockIdx.x) * cols;
  int const i = static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x) * Width;
  if (i < cols) load_biased<Width>(y + row, bias, i).store(y + row + i);
}

/// out = silu(gate + gate_bias) * (up + up_bias), elementwise; gate, up and out (rows, cols), biases (cols) or null,
/// all on the device. Number is float, f16 or bf16; out overlaps none of the others. Asynchronous; throws cuda_error.
template <class Number>
void swiglu(float const* gate, float const* up, float const* gate_bias, float const* up_bias, int rows, int cols,
            Number* out, cudaStream_t on) {
  AMQ_EXPECTS(rows >= 0 && cols >= 1, "SwiGLU takes rows of at least one number, and no fewer than 0 of them");
  if (rows == 0) return;
  if (rows_in_fours(cols, gate, up, gate_bias, up_bias, out))
    launch(elementwise_shape(rows, cols, 4, on), swiglu_kernel<Number, 4>, gate, up, gate_bias, up_bias, cols, out);
  else
    launch(elementwise_shape(rows, cols, 1, on), swiglu_kernel<Number, 1>, gate, up, gate_bias, up_bias, cols, out);
}

/// Adds bias (cols) to each row of y (rows, cols); both on the device. Asynchronous; throws cuda_error.
inline void add_bias(float* y, float const* bias, int rows, int cols, cudaStream_t on) {
  AMQ_EXPECTS(rows >= 0 && cols >= 1, "a bias is added to rows of at least one number, no fewer than 0 of them");
  if (rows == 0) return;
  if (rows_in_fours(cols, y, bias))
    launch(elementwise_shape(rows, cols, 4, on), add_bias_kernel<4>, y, bias, cols);
  else
    launch(elementwise_shape(rows, cols, 1, on), add_bias_kernel<1>, y, bias, cols);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
