// Products with packed weights, beside cuBLAS with the same weights in f16.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "amq/cuda/cublas.cuh"
#include "amq/cuda/dequantize/dequantize.cuh"
#include "amq/cuda/gemm/gemm.cuh"
#include "amq/cuda/gemm/wgmma.cuh"
#include "amq/cuda/gemv/gemv.cuh"
#include "cuda/data.cuh"
#include "cuda/setting.hpp"
#include "cuda/timing.cuh"

namespace amq::bench {

/// One shape: packed matrices in turn, the same in f16, and activations for the most tokens.
template <int Bits>
class product_bench {
 public:
  product_bench(setting const& s, int rows, int cols, int most_tokens)
      : table_(s.table),
        rows_(rows),
        cols_(cols),
        packed_({Bits, group}, rows, cols, s.table.on().cache_bytes, on_),
        dense_turns_(turns_for(s.table.on().cache_bytes, dense_bytes())),
        dense_(static_cast<std::size_t>(dense_turns_) * rows * cols, on_),
        x_(random_numbers<cuda::f16>(static_cast<std::size_t>(most_tokens) * cols, 5, 1, on_)),
        y_(static_cast<std::size_t>(most_tokens) * rows, on_),
        expected_(static_cast<std::size_t>(most_tokens) * rows, on_),
        blas_(on_) {
    for (int i = 0; i < dense_turns_; ++i) cuda::dequantize(packed_[0], dense(i), on_);
  }

  void gemv(int tokens) {
    measure("gemv", tokens, [&](int i) {
      cuda::gemv_fixed<Bits, group>(packed_[i], x_.data(), tokens, y_.data(), false, workspace_, on_);
    });
  }
  void gemm(int tokens) {
    measure("gemm", tokens, [&](int i) {
      cuda::gemm_fixed<Bits, group>(packed_[i], x_.data(), tokens, y_.data(), false, workspace_, on_);
    });
  }
  /// Where the device has wgmma and this program was compiled for it (--architecture 90a).
  void wgmma(int tokens) {
    if constexpr (AMQ_BENCH_WGMMA && cuda::fragment<Bits, cuda::f16>::parts == 1)
      if (table_.on().capability == 90)
        measure("gemm, wgmma", tokens, [&](int i) {
          cuda::gemm_by_wgmma<Bits, group>(packed_[i], x_.data(), tokens, y_.data(), false, workspace_, on_);
        });
  }
  void dequantize_then_cublas(int tokens) {
    measure("dequantize, cuBLAS", tokens, [&](int i) {
      cuda::dequantize(packed_[i], dense(i % dense_turns_), on_);
      blas_.multiply(dense(i % dense_turns_), rows_, cols_, x_.data(), tokens, y_.data(), false);
    });
  }

 private:
  static constexpr int group = 128;

  std::int64_t dense_bytes() const { return std::int64_t{2} * rows_ * cols_; }
  cuda::f16* dense(int i) const { return dense_.data() + static_cast<std::size_t>(i) * rows_ * cols_; }

  /// Checks one product, which also makes room in the workspace, and times it with the matrices in turn.
  template <class Product>
  void measure(char const* what, int tokens, Product const& product) {
    auto const cublas = [&](int i) {
      blas_.multiply(dense(i), rows_, cols_, x_.data(), tokens, expected_.data(), false);
    };
    poison(y_, on_);
    poison(expected_, on_);
    auto const count = static_cast<std::size_t>(tokens) * rows_;
    product(0);
    cublas(0);
    // What is left of both is the rounding of f16 weights.
    expect_close(y_, expected_, count, 5e-3, std::string(what) + " of " + std::to_string(Bits) + " bits", on_);
    table_.add({.what = what,
                .shape = std::to_string(rows_) + " x " + std::to_string(cols_),
                .bits = Bits,
                .tokens = tokens,
                .seconds = seconds_in_turn(on_, packed_.turns(), product),
                .bytes = packed_.bytes() + tokens * (2.0 * cols_ + 4.0 * rows_),
                .operations = 2.0 * tokens * rows_ * cols_,
                .cublas_seconds = seconds_in_turn(on_, dense_turns_, cublas)});
  }

  report& table_;
  int rows_, cols_;
  cuda::stream on_;
  packed_in_turn packed_;
  int dense_turns_;
  cuda::device_buffer<cuda::f16> dense_, x_;
  cuda::device_buffer<float> y_, expected_;
  cuda::cublas blas_;
  cuda::product_workspace workspace_;
};

template <int Bits>
void measure_products(setting const& s) {
  {
    product_bench<Bits> bench(s, 4096, 4096, 2048);
    bench.gemv(1);
    if (!s.quick) bench.gemv(4);
    bench.gemv(8);
    for (int const tokens : s.quick ? std::vector{16, 64, 2048} : std::vector{16, 32, 64, 128, 512, 2048}) {
      bench.gemm(tokens);
      if (tokens >= 128) {
        bench.wgmma(tokens);
        bench.dequantize_then_cublas(tokens);
      }
    }
  }
  product_bench<Bits> large(s, 28672, 8192, 64);
  large.gemv(1);
  if (!s.quick) large.gemm(16);
  large.gemm(64);
}

}  // namespace amq::bench
