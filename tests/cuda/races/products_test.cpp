// Products read and write shared memory without a race, in whatever order threads run.
#include "amq/cuda/gemm/gemm.cuh"
#include "cuda/gemv/multiplied.hpp"
#include "cuda/races/reports.hpp"
#include "support/catch.hpp"

namespace {

using amq::cuda::f16;
using amq::test::multiplied;
using amq::test::product_case;

struct narrow_tuning : amq::cuda::default_tuning {
  static constexpr amq::cuda::gemv_tuning gemv(int, int, int) {
    return {.warps = 2, .prefetch = 2, .blocks = 1, .shared_bytes = 8 * 1024};
  }
  static constexpr amq::cuda::gemm_tuning gemm(int, int, int tokens) {
    return {.warps = 2, .tiles = 1, .tokens = tokens, .stages = 3, .blocks = 1};
  }
};

/// Races of a product whose inputs are split on a device with 32 multiprocessors, and not on one with one.
template <class Product>
int races_of(int tokens, Product const& product) {
  product_case<f16> const one({4, 64}, 70, 1088, tokens, 51);
  races::reported();
  for (unsigned const seed : {0u, 1u}) {
    shim::permuted const order(seed);
    for (int const multiprocessors : {1, 32}) CHECK(one.error(multiplied(one, product, multiprocessors)) < 1e-6);
  }
  return races::reported();
}

}  // namespace

TEST_CASE("gemv has no race", "[cuda][races]") {
  CHECK(races_of(2, [](auto&&... a) { amq::cuda::gemv_fixed<4, 64, narrow_tuning>(a...); }) == 0);
}

TEST_CASE("gemm has no race", "[cuda][races]") {
  CHECK(races_of(18, [](auto&&... a) { amq::cuda::gemm_fixed<4, 64, narrow_tuning>(a...); }) == 0);
}
