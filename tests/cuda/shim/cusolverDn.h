// The Cholesky factorization of a matrix of f32, in a stream's order.
#pragma once

#include <cublas_v2.h>

enum cusolverStatus_t {
  CUSOLVER_STATUS_SUCCESS = 0,
  CUSOLVER_STATUS_NOT_INITIALIZED = 1,
  CUSOLVER_STATUS_INVALID_VALUE = 3,
  CUSOLVER_STATUS_EXECUTION_FAILED = 6
};

struct cusolverDnContext {
  cudaStream_t stream = nullptr;
};
struct cusolverDnParams {};
using cusolverDnHandle_t = cusolverDnContext*;
using cusolverDnParams_t = cusolverDnParams*;

namespace shim {

/// Writes the factor over one triangle of a (n, n), whose columns are `stride` apart; the other is not touched. Returns
/// 0, or the order of the first leading minor that is not positive.
inline int factorize(float* a, std::int64_t n, std::int64_t stride, bool lower) {
  auto const at = [=](std::int64_t row, std::int64_t col) -> float& {
    return lower ? a[col * stride + row] : a[row * stride + col];
  };
  for (std::int64_t j = 0; j < n; ++j)
    for (std::int64_t i = j; i < n; ++i) {
      double rest = at(i, j);
      for (std::int64_t k = 0; k < j; ++k) rest -= static_cast<double>(at(i, k)) * at(j, k);
      if (i == j && !(rest > 0)) return static_cast<int>(j + 1);
      at(i, j) = static_cast<float>(i == j ? std::sqrt(rest) : rest / at(j, j));
    }
  return 0;
}

}  // namespace shim

inline cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t* made) {
  if (cudaPeekAtLastError() != cudaSuccess) return CUSOLVER_STATUS_NOT_INITIALIZED;
  *made = new cusolverDnContext;
  return CUSOLVER_STATUS_SUCCESS;
}
inline cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t held) {
  delete held;
  return CUSOLVER_STATUS_SUCCESS;
}
inline cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t on) {
  handle->stream = on;
  return CUSOLVER_STATUS_SUCCESS;
}
inline cusolverStatus_t cusolverDnCreateParams(cusolverDnParams_t* made) {
  *made = new cusolverDnParams;
  return CUSOLVER_STATUS_SUCCESS;
}
inline cusolverStatus_t cusolverDnDestroyParams(cusolverDnParams_t held) {
  delete held;
  return CUSOLVER_STATUS_SUCCESS;
}
inline cusolverStatus_t cusolverDnXpotrf_bufferSize(cusolverDnHandle_t, cusolverDnParams_t, cublasFillMode_t,
                                                    std::int64_t n, cudaDataType_t type, void const*,
                                                    std::int64_t stride, cudaDataType_t compute,
                                                    std::size_t* device_bytes, std::size_t* host_bytes) {
  if (type != CUDA_R_32F || compute != CUDA_R_32F || n < 0 || stride < n) return CUSOLVER_STATUS_INVALID_VALUE;
  *device_bytes = *host_bytes = 64;
  return CUSOLVER_STATUS_SUCCESS;
}
inline cusolverStatus_t cusolverDnXpotrf(cusolverDnHandle_t handle, cusolverDnParams_t, cublasFillMode_t triangle,
                                         std::int64_t n, cudaDataType_t type, void* a, std::int64_t stride,
                                         cudaDataType_t compute, void* device_work, std::size_t device_bytes,
                                         void* host_work, std::size_t host_bytes, int* info) {
  if (type != CUDA_R_32F || compute != CUDA_R_32F || n < 0 || stride < n) return CUSOLVER_STATUS_INVALID_VALUE;
  if (device_bytes < 64 || host_bytes < 64 || host_work == nullptr || !shim::detail::is_device_memory(device_work, 64))
    return CUSOLVER_STATUS_INVALID_VALUE;
  auto const code = shim::enqueue(handle->stream, [=] {
    shim::detail::check_argument(a);
    shim::detail::check_argument(info);
    *info = shim::factorize(static_cast<float*>(a), n, stride, triangle == CUBLAS_FILL_MODE_LOWER);
  });
  return code == cudaSuccess ? CUSOLVER_STATUS_SUCCESS : CUSOLVER_STATUS_EXECUTION_FAILED;
}
