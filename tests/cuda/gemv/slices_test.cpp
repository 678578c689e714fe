// How products are split, and which constants a device gets.
#include "amq/cuda/gemv/slices.hpp"

#include "amq/cuda/tuning.cuh"
#include "support/catch.hpp"

TEST_CASE("choose_slices fills rounds of blocks to 7/8 with the fewest slices", "[cuda][gemv]") {
  using amq::cuda::choose_slices;
  STATIC_REQUIRE(choose_slices(256, 264, 1, 8) == 1);
  STATIC_REQUIRE(choose_slices(64, 264, 1, 2) == 2);
  STATIC_REQUIRE(choose_slices(64, 264, 1, 8) == 4);
  STATIC_REQUIRE(choose_slices(896, 264, 1, 4) == 2);
  STATIC_REQUIRE(choose_slices(256, 264, 3, 8) == 3);
  STATIC_REQUIRE(choose_slices(133, 132, 1, 1) == 1);
}

TEST_CASE("a device gets the constants of the last capability that is not above its own", "[cuda][gemv]") {
  using amq::cuda::default_tuning;
  using amq::cuda::tuned_capability;
  STATIC_REQUIRE(tuned_capability<default_tuning>(80) == 80);
  STATIC_REQUIRE(tuned_capability<default_tuning>(87) == 86);
  STATIC_REQUIRE(tuned_capability<default_tuning>(120) == 90);
  STATIC_REQUIRE(tuned_capability<default_tuning>(75) == 80);
  int called = 0;
  amq::cuda::with_capability<default_tuning>(89, [&]<int Capability>() { called = Capability; });
  CHECK(called == amq::cuda::compiled_capability<default_tuning>(89));
}

TEST_CASE("way says gemv to 8 tokens, gemm to some hundreds, and cuBLAS beyond", "[cuda][gemv]") {
  using amq::cuda::default_tuning;
  using amq::cuda::product_way;
  STATIC_REQUIRE(default_tuning::way(90, 8) == product_way::gemv);
  STATIC_REQUIRE(default_tuning::way(90, 9) == product_way::gemm);
  STATIC_REQUIRE(default_tuning::way(90, 2048) == product_way::dequantize_then_cublas);
}
