// Small products, of which no access races with another.
#include "amq/cuda/gemm/gemm.cuh"
#include "amq/cuda/gemm/reserve.cuh"
#include "amq/cuda/gemv/gemv.cuh"
#include "cuda/gemv/multiplied.hpp"
#include "cuda/races/reports.hpp"
#include "support/catch.hpp"

namespace {

using amq::cuda::bf16;
using amq::cuda::f16;
using amq::test::multiplied;
using amq::test::product_case;

template <int Bits, int Group>
constexpr auto gemv = [](auto&&... arguments) { amq::cuda::gemv_fixed<Bits, Group>(arguments...); };
template <int Bits, int Group>
constexpr auto gemm = [](auto&&... arguments) { amq::cuda::gemm_fixed<Bits, Group>(arguments...); };

}  // namespace

TEST_CASE("products of few tokens race nowhere, split or whole", "[cuda][races]") {
  races::reported();
  for (unsigned const seed : {0u, 1u})
    for (int const multiprocessors : {1, 32}) {
      shim::permuted const order(seed);
      CAPTURE(seed, multiprocessors);
      CHECK_FALSE(multiplied(product_case<f16>({3, 64}, 35, 512, 1, 1), gemv<3, 64>, multiprocessors).empty());
      CHECK_FALSE(multiplied(product_case<bf16>({4, 128}, 20, 512, 5, 2), gemv<4, 128>, multiprocessors).empty());
      CHECK(races::reported() == 0);
    }
}

TEST_CASE("products of many tokens race nowhere, split or whole", "[cuda][races]") {
  races::reported();
  for (unsigned const seed : {0u, 1u})
    for (int const multiprocessors : {1, 132}) {
      shim::permuted const order(seed);
      CAPTURE(seed, multiprocessors);
      CHECK_FALSE(multiplied(product_case<bf16>({3, 128}, 24, 1024, 18, 3), gemm<3, 128>, multiprocessors).empty());
      CHECK(races::reported() == 0);
    }
}
