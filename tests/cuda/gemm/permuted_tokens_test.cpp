// Permuted activations and their groups' sums.
#include "amq/cuda/gemm/permuted_tokens.cuh"

#include <vector>

#include "cuda/layout/on_device.hpp"
#include "support/catch.hpp"

TEMPLATE_TEST_CASE("permuted activations follow the order of decoded codes", "[cuda][gemm]", amq::cuda::f16,
                   amq::cuda::bf16) {
  constexpr int tokens = 3, cols = 160, padded = 256, stride = 16, group = 32;
  amq::cuda::stream const on;
  auto const x = amq::test::rounded<TestType>(amq::test::normal_matrix(tokens, cols, 41));
  auto const from = amq::cuda::uploaded(std::span<TestType const>(x), on);
  amq::cuda::device_buffer<TestType> permuted(tokens * padded, on);
  amq::cuda::device_buffer<float> sums(padded / group * stride, on);
  amq::cuda::permute_tokens<group>(amq::cuda::token_slice<TestType>{from.data(), tokens, cols},
                                   amq::cuda::permuted_tokens<TestType>{permuted.data(), sums.data(), stride}, on);
  auto const found = amq::test::downloaded(permuted, on);
  auto const found_sums = amq::test::downloaded(sums, on);
  for (std::size_t token = 0; token < stride; ++token) {
    std::vector<double> expected_sums(padded / group);
    for (std::size_t input = 0; token < tokens && input < padded; ++input) {
      double const value = input < cols ? amq::cuda::to_f32(x[token * cols + input]) : 0;
      expected_sums[input / group] += value;
      // Input 8 t + 4 half + 2 i + e of a chunk is number 2 t + 8 i + e of product `half`.
      std::size_t const in = input % 32, t = in / 8, half = in / 4 % 2, i = in / 2 % 2, e = in % 2;
      REQUIRE(amq::cuda::to_f32(found[token * padded + input - in + 16 * half + 8 * i + 2 * t + e]) == value);
    }
    for (std::size_t g = 0; g < expected_sums.size(); ++g)
      REQUIRE(found_sums[g * stride + token] == Approx(expected_sums[g]).margin(1e-5));
  }
}
