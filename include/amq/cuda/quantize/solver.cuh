// cuSOLVER's Cholesky factorization of a symmetric matrix on the device.
#pragma once

#include <cuda_runtime.h>
#include <cusolverDn.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/check.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
namespace quantizing {

struct destroy_solver {
  void operator()(cusolverDnHandle_t held) const noexcept { cusolverDnDestroy(held); }
  void operator()(cusolverDnParams_t held) const noexcept { cusolverDnDestroyParams(held); }
};
template <class Handle>
using owned_solver = std::unique_ptr<std::remove_pointer_t<Handle>, destroy_solver>;

}  // namespace quantizing

/// Factorizes on one stream. Move-only; the stream outlives it. Throws cuda_error for failures of cuSOLVER.
class cholesky_solver {
 public:
  explicit cholesky_solver(cudaStream_t on) : stream_(on) {
    cusolverDnHandle_t handle = nullptr;
    check_library(cusolverDnCreate(&handle), "cusolverDnCreate");
    handle_.reset(handle);
    check_library(cusolverDnSetStream(handle, on), "cusolverDnSetStream");
    cusolverDnParams_t parameters = nullptr;
    check_library(cusolverDnCreateParams(&parameters), "cusolverDnCreateParams");
    parameters_.reset(parameters);
  }

  /// Of a symmetric `h` (n, n) in f32, row-major, the upper triangle becomes U with h = U^T U; what is below it then
  /// means nothing. *info becomes 0, or above 0 where h is not positive definite. n^3 / 3 operations. Asynchronous.
  void factorize(float* h, std::int64_t n, int* info) {
    std::size_t device_bytes = 0, host_bytes = 0;
    // The upper triangle of a matrix by rows is the lower one by columns, cuSOLVER's order.
    constexpr auto triangle = CUBLAS_FILL_MODE_LOWER;
    check_library(cusolverDnXpotrf_bufferSize(handle_.get(), parameters_.get(), triangle, n, CUDA_R_32F, h, n,
                                              CUDA_R_32F, &device_bytes, &host_bytes),
                  "cusolverDnXpotrf_bufferSize");
    device_work_.reserve(device_bytes, stream_);
    host_work_.resize(host_bytes);
    check_library(cusolverDnXpotrf(handle_.get(), parameters_.get(), triangle, n, CUDA_R_32F, h, n, CUDA_R_32F,
                                   device_work_.data(), device_bytes, host_work_.data(), host_bytes, info),
                  "cusolverDnXpotrf");
  }

 private:
  cudaStream_t stream_;
  quantizing::owned_solver<cusolverDnHandle_t> handle_;
  quantizing::owned_solver<cusolverDnParams_t> parameters_;
  device_buffer<std::byte> device_work_;
  std::vector<std::byte> host_work_;
};

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
