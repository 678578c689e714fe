// Products with the matrices of a bank, each the way that the tuning finds fastest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/cublas.cuh"
#include "amq/cuda/decoder/decoder_bank.cuh"
#include "amq/cuda/dequantize/dequantize.cuh"
#include "amq/cuda/gemm/gemm.cuh"
#include "amq/cuda/gemv/gemv.cuh"
#include "amq/cuda/tuning.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// y (tokens, rows) = x (tokens, cols) w^T, or += it. Owns what products need beside their operands. Asynchronous on
/// one stream of the current device. Move-only.
template <class Number, class Tuning = default_tuning>
class linear_products {
 public:
  linear_products(int capability, cudaStream_t stream) : capability_(capability), stream_(stream), cublas_(stream) {}

  /// Before a graph is recorded: memory for matrices of up to `numbers` elements.
  void reserve(std::size_t numbers) { dense_.reserve(numbers, stream_); }

  void multiply(device_matrix const& w, Number const* x, int tokens, float* y, bool accumulate) {
    if (w.bits == kept_bits)
      return cublas_.multiply(reinterpret_cast<Number const*>(w.data), w.rows, w.cols, x, tokens, y, accumulate);
    if constexpr (!std::is_same_v<Number, float>) {
      switch (way(w, tokens)) {
        case product_way::gemv:
          return gemv<Tuning>(w, x, tokens, y, accumulate, workspace_, stream_);
        case product_way::gemm:
          return gemm<Tuning>(w, x, tokens, y, accumulate, workspace_, stream_);
        case product_way::dequantize_then_cublas:
          break;
      }
    }
    reserve(static_cast<std::size_t>(w.rows) * static_cast<std::size_t>(w.cols));
    dequantize(w, dense_.data(), stream_);
    cublas_.multiply(dense_.data(), w.rows, w.cols, x, tokens, y, accumulate);
  }

  /// The same with the matrix that `which`, in memory of the device, describes when this runs: what is recorded in a
  /// graph stays valid for other matrices of that shape.
  void multiply_indirect(device_matrix const* which, layer_extent shape, Number const* x, int tokens, float* y,
                         bool accumulate) {
    dequantize_indirect(which, shape.rows, shape.cols, dense_.data(), stream_);
    cublas_.multiply(dense_.data(), shape.rows, shape.cols, x, tokens, y, accumulate);
  }

  /// x (tokens, cols) w^T for a dense w (rows, cols).
  void multiply_dense(Number const* w, int rows, int cols, Number const* x, int tokens, float* y) {
    cublas_.multiply(w, rows, cols, x, tokens, y, false);
  }

  /// Memory whose place recorded products have written in them; it may move when other products need more.
  void const* partial_sums() const { return workspace_.floats_place(); }
  void const* counters() const { return workspace_.counters_place(); }

  /// How packed matrices are multiplied with so many tokens, where there are kernels for it.
  product_way way(int tokens) const {
    if constexpr (std::is_same_v<Number, float>)
      return product_way::dequantize_then_cublas;
    else
      return Tuning::way(capability_, tokens);
  }

 private:
  product_way way(device_matrix const& w, int tokens) const {
    auto const wanted = way(tokens);
    bool const there = wanted != product_way::gemm || Tuning::has_gemm(w.bits, w.group);
    return there ? wanted : product_way::dequantize_then_cublas;
  }

  int capability_;
  cudaStream_t stream_;
  cublas cublas_;
  product_workspace workspace_;
  device_buffer<Number> dense_;
};

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
