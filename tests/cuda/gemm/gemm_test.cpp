// Products of more tokens against double.
#include "amq/cuda/gemm/gemm.cuh"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "amq/cuda/gemm/reserve.cuh"
#include "cuda/gemv/multiplied.hpp"
#include "support/catch.hpp"

namespace {

using amq::format;
using amq::tile_layout;
using amq::cuda::bf16;
using amq::cuda::f16;
using amq::test::multiplied;
using amq::test::product_case;

/// Few rows a block, so that small matrices have several blocks, with ragged last ones.
struct narrow_tuning : amq::cuda::default_tuning {
  static constexpr amq::cuda::gemm_tuning gemm(int, int, int tokens) {
    return {.warps = 1, .tiles = tokens == 16 ? 2 : 1, .tokens = tokens, .stages = 3, .blocks = 1};
  }
};

constexpr auto gemm = [](auto&&... arguments) { amq::cuda::gemm<narrow_tuning>(arguments...); };

template <class Number>
double tolerance(format stored) {
  if (std::is_same_v<Number, f16>) return 2e-7;
  return stored.bits == 2 ? 8e-6 : stored.bits == 8 ? 2e-6 : 4e-6;
}

}  // namespace

TEMPLATE_TEST_CASE("gemm multiplies every width and group", "[cuda][gemm]", f16, bf16) {
  for (int const bits : tile_layout::widths)
    for (int const group : tile_layout::group_sizes) {
      CAPTURE(bits, group);
      product_case<TestType> const one({bits, group}, 35, 256 + group, 9, 31);
      CHECK(one.error(multiplied(one, gemm, 1)) < tolerance<TestType>({bits, group}));
    }
}

TEMPLATE_TEST_CASE("gemm multiplies any number of tokens of ragged shapes", "[cuda][gemm]", f16, bf16) {
  for (int const tokens : {1, 9, 17, 40, 70})
    for (auto const& [rows, cols] : {std::pair{1, 32}, {16, 96}, {50, 416}}) {
      CAPTURE(tokens, rows, cols);
      product_case<TestType> const one({5, 32}, rows, cols, tokens, 32);
      CHECK(one.error(multiplied(one, gemm, 1)) < tolerance<TestType>({5, 32}));
    }
}

TEST_CASE("gemm splits inputs where rows are few", "[cuda][gemm]") {
  product_case<f16> const one({4, 128}, 40, 1536, 18, 33);
  constexpr auto plan = amq::cuda::plan_gemm(narrow_tuning::gemm(90, 4, 32), 132, 128, 40, 1536, 18);
  STATIC_REQUIRE(plan.slices == 3);
  CHECK(one.error(multiplied(one, gemm, 132)) < tolerance<f16>({4, 128}));
  CHECK(one.error(multiplied(one, gemm, 1)) < tolerance<f16>({4, 128}));
  CHECK(multiplied(one, gemm, 132) == multiplied(one, gemm, 132));
}

TEST_CASE("gemm as it is tuned", "[cuda][gemm]") {
  for (int const tokens : {12, 24, 50}) {
    product_case<bf16> const one({3, 128}, 24, 512, tokens, 34);
    auto const product = [](auto&&... arguments) { amq::cuda::gemm_fixed<3, 128>(arguments...); };
    CHECK(one.error(multiplied(one, product)) < tolerance<bf16>({3, 128}));
  }
}

TEST_CASE("gemm adds to what is there where it is told to", "[cuda][gemm]") {
  for (int const multiprocessors : {1, 32}) {
    product_case<f16> const one({2, 64}, 20, 1024, 10, 35);
    auto const plain = multiplied(one, gemm, multiprocessors);
    auto const added = multiplied(one, gemm, multiprocessors, true);
    for (std::size_t i = 0; i < plain.size(); ++i) CHECK(added[i] == one.before(i) + plain[i]);
  }
}

TEST_CASE("gemm leaves a NaN or an infinity to its own token", "[cuda][gemm]") {
  product_case<f16> one({4, 128}, 18, 256, 20, 36);
  auto const clean = multiplied(one, gemm);
  one.x[256 * 7 + 77] = amq::cuda::from_f32<f16>(std::numeric_limits<float>::quiet_NaN());
  one.x[256 * 18 + 3] = amq::cuda::from_f32<f16>(std::numeric_limits<float>::infinity());
  auto const found = multiplied(one, gemm);
  for (std::size_t token = 0; token < 20; ++token)
    for (std::size_t row = 0; row < 18; ++row) {
      auto const at = token * 18 + row;
      if (token == 7)
        CHECK(std::isnan(found[at]));
      else if (token == 18)
        CHECK_FALSE(std::isfinite(found[at]));
      else
        CHECK(found[at] == clean[at]);
    }
}

TEST_CASE("gemm refuses formats, shapes and addresses with a sentence", "[cuda][gemm]") {
  amq::cuda::stream const on;
  product_case<f16> const one({4, 32}, 16, 64, 1, 37);
  amq::test::matrix_on_device const w(one.w, on);
  amq::cuda::device_buffer<f16> const x(64 + 8, on);
  amq::cuda::device_buffer<float> const y(16 + 4, on);
  amq::cuda::product_workspace workspace;
  using Catch::Matchers::Contains;
  auto const attempt = [&](amq::cuda::device_matrix const& m, int tokens, std::size_t x_shift, std::size_t y_shift) {
    amq::cuda::gemm<narrow_tuning>(m, x.data() + x_shift, tokens, y.data() + y_shift, false, workspace, on);
  };
  CHECK_THROWS_WITH(attempt(w.view, 0, 0, 0), Contains("at least 1 token, not 0"));
  CHECK_THROWS_WITH(attempt(w.view, 1, 1, 0), Contains("x has to be memory of the device, aligned to 16 bytes"));
  CHECK_THROWS_WITH(attempt(w.view, 1, 0, 1), Contains("y has to be memory of the device, aligned to 16 bytes"));
  auto wrong = w.view;
  wrong.group = 16;
  CHECK_THROWS_WITH(attempt(wrong, 1, 0, 0), Contains("2, 3, 4, 5, 6 and 8 bits in groups of 32, 64 and 128"));
  wrong = w.view;
  wrong.rows = 0;
  CHECK_THROWS_WITH(attempt(wrong, 1, 0, 0), Contains("(0, 64)"));
  CHECK_THROWS_WITH((amq::cuda::gemm_fixed<2, 32>(w.view, x.data(), 1, y.data(), false, workspace, on)),
                    Contains("a kernel of one format"));
}

TEST_CASE("after reserve_products no product grows its workspace", "[cuda][gemm]") {
  amq::cuda::stream const on;
  int const most_tokens = 20;
  product_case<f16> const one({4, 128}, 40, 4096, most_tokens, 38);
  amq::test::matrix_on_device const w(one.w, on);
  auto const x = amq::cuda::uploaded(std::span<f16 const>(one.x), on);
  amq::cuda::device_buffer<float> const y(40 * most_tokens, on);
  amq::cuda::product_workspace workspace(90, 132);
  amq::cuda::reserve_products<narrow_tuning>(workspace, 40, 4096, most_tokens, on);
  for (int const tokens : {1, 3, 8, 9, 16, 17, 20, 9, 1}) {
    auto const recorded = amq::cuda::graph::record(on, [&] {
      if (tokens <= 8)
        amq::cuda::gemv<narrow_tuning>(w.view, x.data(), tokens, y.data(), false, workspace, on);
      else
        amq::cuda::gemm<narrow_tuning>(w.view, x.data(), tokens, y.data(), false, workspace, on);
    });
    recorded.launch(on);
    auto const found = amq::test::downloaded(y, on);
    std::vector<float> const written(found.begin(), found.begin() + 40 * tokens);
    product_case<f16> part = one;
    part.x.resize(static_cast<std::size_t>(4096 * tokens));
    CHECK(part.error(written) < tolerance<f16>({4, 128}));
  }
}
