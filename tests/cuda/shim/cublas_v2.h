// Products of matrices of f32, f16 and bf16 with results and sums in f32, in a stream's order; can be recorded.
#pragma once

#include <cuda_runtime.h>
#include <library_types.h>

#include <Eigen/Core>

#include "shim/half.hpp"

enum cublasStatus_t {
  CUBLAS_STATUS_SUCCESS = 0,
  CUBLAS_STATUS_NOT_INITIALIZED = 1,
  CUBLAS_STATUS_ALLOC_FAILED = 3,
  CUBLAS_STATUS_INVALID_VALUE = 7,
  CUBLAS_STATUS_EXECUTION_FAILED = 13,
  CUBLAS_STATUS_NOT_SUPPORTED = 15
};
enum cublasOperation_t { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1 };
enum cublasFillMode_t { CUBLAS_FILL_MODE_LOWER = 0, CUBLAS_FILL_MODE_UPPER = 1 };
enum cublasMath_t {
  CUBLAS_DEFAULT_MATH = 0,
  CUBLAS_PEDANTIC_MATH = 2,
  CUBLAS_TF32_TENSOR_OP_MATH = 3,
  CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION = 16
};
enum cublasComputeType_t {
  CUBLAS_COMPUTE_32F = 68,
  CUBLAS_COMPUTE_32F_PEDANTIC = 69,
  CUBLAS_COMPUTE_32F_FAST_TF32 = 77
};
enum cublasGemmAlgo_t { CUBLAS_GEMM_DEFAULT = -1 };

struct cublasContext {
  cudaStream_t stream = nullptr;
};
using cublasHandle_t = cublasContext*;

namespace shim {

/// A matrix (rows, cols), column after column, `stride` elements apart; op(matrix) is its transpose where `turned`.
struct stored_matrix {
  void const* data;
  cudaDataType_t type;
  int stride;
  bool turned;

  /// op(matrix) of shape (rows, cols) in f32.
  Eigen::MatrixXf read(int rows, int cols) const {
    Eigen::MatrixXf made(rows, cols);
    for (int col = 0; col < cols; ++col)
      for (int row = 0; row < rows; ++row)
        made(row, col) = element(turned ? std::int64_t{row} * stride + col : std::int64_t{col} * stride + row);
    return made;
  }

 private:
  float element(std::int64_t at) const {
    if (type == CUDA_R_32F) return static_cast<float const*>(data)[at];
    auto const bits = static_cast<std::uint16_t const*>(data)[at];
    return type == CUDA_R_16F ? f16_to_f32(bits) : bf16_to_f32(bits);
  }
};

/// c (m, n) = alpha op(a) op(b) + beta c, where c is not read if beta is 0.
inline void multiply(int m, int n, int k, float alpha, stored_matrix const& a, stored_matrix const& b, float beta,
                     float* c, int stride) {
  using columns = Eigen::Map<Eigen::MatrixXf, 0, Eigen::OuterStride<>>;
  columns result(c, m, n, Eigen::OuterStride<>(stride));
  Eigen::MatrixXf const product = a.read(m, k) * b.read(k, n);
  if (beta == 0)
    result = alpha * product;
  else
    result = alpha * product + beta * result;
}

inline cublasStatus_t library_status(cudaError_t code) {
  return code == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // namespace shim

inline cublasStatus_t cublasCreate(cublasHandle_t* made) {
  if (cudaPeekAtLastError() != cudaSuccess) return CUBLAS_STATUS_NOT_INITIALIZED;
  *made = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasDestroy(cublasHandle_t held) {
  delete held;
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t on) {
  handle->stream = on;
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasGetStream(cublasHandle_t handle, cudaStream_t* on) {
  *on = handle->stream;
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasSetWorkspace(cublasHandle_t, void* memory, std::size_t bytes) {
  bool const reachable = bytes == 0 || shim::detail::is_device_memory(memory, bytes);
  return reachable ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}
inline cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) { return CUBLAS_STATUS_SUCCESS; }

inline cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n,
                                   int k, void const* alpha, void const* a, cudaDataType_t type_a, int stride_a,
                                   void const* b, cudaDataType_t type_b, int stride_b, void const* beta, void* c,
                                   cudaDataType_t type_c, int stride_c, cublasComputeType_t, cublasGemmAlgo_t) {
  bool const known = type_a == CUDA_R_32F || type_a == CUDA_R_16F || type_a == CUDA_R_16BF;
  if (!known || type_a != type_b || type_c != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
  shim::stored_matrix const left{a, type_a, stride_a, op_a == CUBLAS_OP_T},
      right{b, type_b, stride_b, op_b == CUBLAS_OP_T};
  if (m < 0 || n < 0 || k < 0 || stride_a < std::max(1, left.turned ? k : m) ||
      stride_b < std::max(1, right.turned ? n : k) || stride_c < std::max(1, m))
    return CUBLAS_STATUS_INVALID_VALUE;
  float const by = *static_cast<float const*>(alpha), with = *static_cast<float const*>(beta);
  return shim::library_status(shim::enqueue(handle->stream, [=] {
    shim::detail::check_argument(a);
    shim::detail::check_argument(b);
    shim::detail::check_argument(c);
    shim::multiply(m, n, k, by, left, right, with, static_cast<float*>(c), stride_c);
  }));
}
inline cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n,
                                  int k, float const* alpha, float const* a, int stride_a, float const* b, int stride_b,
                                  float const* beta, float* c, int stride_c) {
  return cublasGemmEx(handle, op_a, op_b, m, n, k, alpha, a, CUDA_R_32F, stride_a, b, CUDA_R_32F, stride_b, beta, c,
                      CUDA_R_32F, stride_c, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
}
