// Kernels that turn a Hessian into what GPTQ's recursion runs on: its triangle, and the inverses of the blocks on it.
#pragma once

#include <cuda_runtime.h>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
namespace quantizing {

/// Columns between two updates of all columns after them.
inline constexpr int gptq_columns = 128;

/// What kernels find out about a Hessian.
struct hessian_state {
  int info;                    ///< cuSOLVER's
  int bad_pivot;               ///< 1 until a diagonal is not a positive number, then 0
  unsigned long long bad_row;  ///< first row that is not finite, else all ones
};

/// out(i, j) = H(order[n-1-i], order[n-1-j]) with a diagonal of (1 where it is 0) + added. GPTQ needs the inverse of an
/// upper triangle R with H = R R^T; reversed rows and columns turn that into an ordinary factorization.
template <class Real>
AMQ_CUDA_KERNEL void reverse_hessian_kernel(Real const* hessian, int const* order, int n, double added, float* out,
                                            hessian_state* state) {
  int const j = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x), i = static_cast<int>(blockIdx.y);
  if (j >= n) return;
  int const row = order[n - 1 - i], col = order[n - 1 - j];
  auto value = static_cast<float>(hessian[static_cast<long long>(row) * n + col]);
  if (!(value * 0 == 0)) atomicMin(&state->bad_row, static_cast<unsigned long long>(row));
  if (i == j) value = static_cast<float>((value == 0 ? 1.0 : double{value}) + added);
  out[static_cast<long long>(i) * n + j] = value;
}

/// The factor of the reversed matrix, reversed: (n, n) lower triangular L with H = L^T L.
template <class Real>
AMQ_CUDA_KERNEL void reverse_factor_kernel(Real* factor, long long count) {
  long long const i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= count / 2) return;
  Real const first = factor[i];
  factor[i] = factor[count - 1 - i];
  factor[count - 1 - i] = first;
}

struct block_inverse_shared {
  float triangle[gptq_columns][gptq_columns];
};

/// inverses(b, :, :) = the inverse of the b-th block on the diagonal of `triangle` (n, n), lower triangular, zeros
/// above; what lies beyond n is left alone. A block of threads each, a thread a column, by substitution.
template <class Real>
AMQ_CUDA_KERNEL void block_inverses_kernel(Real const* triangle, int n, Real* inverses, hessian_state* state) {
  auto& shared = *reinterpret_cast<block_inverse_shared*>(ptx::dynamic_shared());
  int const first = static_cast<int>(blockIdx.x) * gptq_columns, column = static_cast<int>(threadIdx.x);
  int const size = n - first < gptq_columns ? n - first : gptq_columns;
  Real* const out = inverses + static_cast<long long>(blockIdx.x) * gptq_columns * gptq_columns;
  for (int i = 0; i < size; ++i)
    if (column < size) shared.triangle[i][column] = triangle[static_cast<long long>(first + i) * n + first + column];
  __syncthreads();
  if (column >= size) return;
  float const pivot = shared.triangle[column][column];
  if (!(pivot > 0 && pivot * 0 == 0)) atomicMin(&state->bad_pivot, 0);
  for (int i = 0; i < size; ++i) {
    float sum = i == column ? 1.0f : 0.0f;
    for (int k = column; k < i; ++k) sum -= shared.triangle[i][k] * out[k * gptq_columns + column];
    out[i * gptq_columns + column] = i < column ? 0.0f : sum / shared.triangle[i][i];
  }
}

}  // namespace quantizing
}  // namespace amq::cuda::inline AMQ_CUDA_ABI
