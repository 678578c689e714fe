#include "cuda/support/small_device.hpp"

#include <array>

#include "amq/cuda/open_device.cuh"

namespace cuda_test {
namespace {

struct small_tuning : amq::cuda::default_tuning {
  static constexpr std::array capabilities{80};
  static constexpr bool has_gemm(int bits, int group) { return bits == 4 && group == 128; }
  static constexpr amq::cuda::product_way way(int, int tokens) {
    using enum amq::cuda::product_way;
    return tokens <= 8 ? gemv : tokens <= most_packed_tokens ? gemm : dequantize_then_cublas;
  }
};

}  // namespace

std::shared_ptr<amq::cuda::device> small_device(int number) { return amq::cuda::open_device<small_tuning>(number); }

}  // namespace cuda_test
