// cuBLAS for dense products: what it does well is not written again.
#pragma once

#include <cublas_v2.h>

#include <memory>
#include <type_traits>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/number.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// A cuBLAS handle bound to one stream, with a workspace of its own, so that its products can be recorded in graphs and
/// have the same bits each time. Move-only; the stream must outlive it.
class cublas {
 public:
  explicit cublas(cudaStream_t on) : workspace_(workspace_bytes, on) {
    cublasHandle_t made = nullptr;
    check_library(cublasCreate(&made), "cublasCreate");
    handle_.reset(made);
    check_library(cublasSetStream(made, on), "cublasSetStream");
    check_library(cublasSetWorkspace(made, workspace_.data(), workspace_.bytes()), "cublasSetWorkspace");
    check_library(cublasSetMathMode(made, CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION), "cublasSetMathMode");
  }

  cublasHandle_t get() const { return handle_.get(); }

  /// y (tokens, rows) = x (tokens, cols) w^T, or += it; w is (rows, cols), sums are f32. f32 is multiplied in full
  /// precision, never in TF32. Asynchronous. 2 tokens rows cols operations.
  template <class Number>
  void multiply(Number const* w, int rows, int cols, Number const* x, int tokens, float* y, bool accumulate) const {
    float const one = 1, keep = accumulate ? 1.0f : 0.0f;
    check_library(cublasGemmEx(get(), CUBLAS_OP_T, CUBLAS_OP_N, rows, tokens, cols, &one, w, type_of<Number>(), cols, x,
                               type_of<Number>(), cols, &keep, y, CUDA_R_32F, rows,
                               std::is_same_v<Number, float> ? CUBLAS_COMPUTE_32F_PEDANTIC : CUBLAS_COMPUTE_32F,
                               CUBLAS_GEMM_DEFAULT),
                  "cublasGemmEx");
  }

 private:
  /// What NVIDIA recommends for Hopper.
  static constexpr std::size_t workspace_bytes = 32 << 20;

  struct destroy {
    void operator()(cublasHandle_t held) const noexcept { cublasDestroy(held); }
  };

  template <class Number>
  static constexpr cudaDataType_t type_of() {
    if constexpr (std::is_same_v<Number, f16>)
      return CUDA_R_16F;
    else if constexpr (std::is_same_v<Number, bf16>)
      return CUDA_R_16BF;
    else
      return CUDA_R_32F;
  }

  device_buffer<unsigned char> workspace_;
  std::unique_ptr<std::remove_pointer_t<cublasHandle_t>, destroy> handle_;
};

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
