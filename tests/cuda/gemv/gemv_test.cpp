// Products of 1 to 8 tokens against double.
#include "amq/cuda/gemv/gemv.cuh"

#include <cmath>
#include <limits>
#include <vector>

#include "cuda/gemv/multiplied.hpp"
#include "support/catch.hpp"

namespace {

using amq::format;
using amq::tile_layout;
using amq::cuda::bf16;
using amq::cuda::f16;
using amq::test::multiplied;
using amq::test::product_case;

constexpr auto gemv = [](auto&&... arguments) { amq::cuda::gemv(arguments...); };

/// Errors in units of the terms' sizes: f32 sums, and bf16's, in which each code is 128 or 2176 larger.
template <class Number>
double tolerance(format stored) {
  if (std::is_same_v<Number, f16>) return 2e-7;
  return stored.bits == 2 ? 8e-6 : stored.bits == 8 ? 2e-6 : 4e-6;
}

/// Few warps, so that a small matrix has spans for several rounds of a block.
struct narrow_tuning : amq::cuda::default_tuning {
  static constexpr amq::cuda::gemv_tuning gemv(int, int, int) {
    return {.warps = 2, .prefetch = 3, .blocks = 1, .shared_bytes = 8 * 1024};
  }
};

}  // namespace

TEMPLATE_TEST_CASE("gemv multiplies every width and group", "[cuda][gemv]", f16, bf16) {
  for (int const bits : tile_layout::widths)
    for (int const group : tile_layout::group_sizes) {
      CAPTURE(bits, group);
      product_case<TestType> const one({bits, group}, 35, 256 + group, 3, 21);
      CHECK(one.error(multiplied(one, gemv)) < tolerance<TestType>({bits, group}));
    }
}

TEMPLATE_TEST_CASE("gemv multiplies 1 to 8 tokens of ragged shapes", "[cuda][gemv]", f16, bf16) {
  for (int tokens = 1; tokens <= 8; ++tokens)
    for (auto const& [rows, cols] : {std::pair{1, 32}, {16, 96}, {50, 416}}) {
      CAPTURE(tokens, rows, cols);
      product_case<TestType> const one({3, 32}, rows, cols, tokens, 22);
      CHECK(one.error(multiplied(one, gemv)) < tolerance<TestType>({3, 32}));
    }
}

TEST_CASE("gemv goes through many tiles and spans a block, and splits inputs that do not fit", "[cuda][gemv]") {
  auto const narrow = [](auto&&... arguments) { amq::cuda::gemv<narrow_tuning>(arguments...); };
  for (int const multiprocessors : {1, 2, 16}) {
    product_case<f16> const one({4, 64}, 75, 1472, 2, 23);
    CAPTURE(multiprocessors);
    CHECK(one.error(multiplied(one, narrow, multiprocessors)) < tolerance<f16>({4, 64}));
  }
}

TEST_CASE("gemv's plans split where rows are few or activations many", "[cuda][gemv]") {
  using amq::cuda::plan_gemv;
  constexpr amq::cuda::gemv_tuning tuning{.warps = 16, .prefetch = 2, .blocks = 2, .shared_bytes = 72 * 1024};
  constexpr auto square = plan_gemv(tuning, 132, 128, 4096, 4096, 1);
  STATIC_REQUIRE(square.slices == 1);
  STATIC_REQUIRE(square.blocks == 256);
  constexpr auto few_rows = plan_gemv(tuning, 132, 128, 1024, 4096, 1);
  STATIC_REQUIRE(few_rows.slices == 2);
  STATIC_REQUIRE(few_rows.slice_spans == 16);
  constexpr auto many_tokens = plan_gemv(tuning, 132, 128, 28672, 8192, 8);
  STATIC_REQUIRE(many_tokens.slices * many_tokens.slice_spans >= 64);
  STATIC_REQUIRE(many_tokens.shared_bytes <= tuning.shared_bytes);
  STATIC_REQUIRE(many_tokens.slices == 3);
}

TEST_CASE("gemv adds to what is there where it is told to", "[cuda][gemv]") {
  for (int const multiprocessors : {1, 8}) {
    product_case<f16> const one({2, 64}, 20, 4096, 2, 24);
    auto const plain = multiplied(one, gemv, multiprocessors);
    auto const added = multiplied(one, gemv, multiprocessors, true);
    for (std::size_t i = 0; i < plain.size(); ++i) CHECK(added[i] == one.before(i) + plain[i]);
  }
}

TEST_CASE("gemv gives the same bits again, and a token's bits whatever its neighbours are", "[cuda][gemv]") {
  product_case<bf16> const many({5, 64}, 33, 448, 5, 25);
  auto const once = multiplied(many, gemv);
  CHECK(multiplied(many, gemv) == once);
  for (int token = 0; token < 5; ++token) {
    auto const alone = multiplied(many.token(token), gemv);
    CHECK(std::equal(alone.begin(), alone.end(), once.begin() + 33 * token));
  }
}

TEST_CASE("gemv leaves a NaN or an infinity to its own token", "[cuda][gemv]") {
  product_case<f16> one({4, 128}, 18, 256, 3, 26);
  auto const clean = multiplied(one, gemv);
  one.x[256 + 77] = amq::cuda::from_f32<f16>(std::numeric_limits<float>::quiet_NaN());
  one.x[512 + 3] = amq::cuda::from_f32<f16>(std::numeric_limits<float>::infinity());
  auto const found = multiplied(one, gemv);
  for (std::size_t row = 0; row < 18; ++row) {
    CHECK(found[row] == clean[row]);
    CHECK(std::isnan(found[18 + row]));
    CHECK_FALSE(std::isfinite(found[36 + row]));
  }
}

TEST_CASE("gemv refuses formats, shapes and addresses with a sentence", "[cuda][gemv]") {
  amq::cuda::stream const on;
  product_case<f16> const one({4, 32}, 16, 64, 1, 27);
  amq::test::matrix_on_device const w(one.w, on);
  amq::cuda::device_buffer<f16> const x(9 * 64 + 8, on);
  amq::cuda::device_buffer<float> const y(9 * 16 + 4, on);
  amq::cuda::product_workspace workspace;
  using Catch::Matchers::Contains;
  auto const attempt = [&](amq::cuda::device_matrix const& m, int tokens, std::size_t x_shift, std::size_t y_shift) {
    amq::cuda::gemv(m, x.data() + x_shift, tokens, y.data() + y_shift, false, workspace, on);
  };
  CHECK_THROWS_WITH(attempt(w.view, 0, 0, 0), Contains("1 to 8 tokens, not 0"));
  CHECK_THROWS_WITH(attempt(w.view, 9, 0, 0), Contains("1 to 8 tokens, not 9; gemm takes any number"));
  CHECK_THROWS_WITH(attempt(w.view, 1, 1, 0), Contains("x has to be memory of the device, aligned to 16 bytes"));
  CHECK_THROWS_WITH(attempt(w.view, 1, 0, 1), Contains("y has to be memory of the device, aligned to 16 bytes"));
  auto wrong = w.view;
  wrong.bits = 7;
  CHECK_THROWS_WITH(attempt(wrong, 1, 0, 0), Contains("2, 3, 4, 5, 6 and 8 bits in groups of 32, 64 and 128"));
  wrong = w.view;
  wrong.group = 128;
  CHECK_THROWS_WITH(attempt(wrong, 1, 0, 0), Contains("groups of 128 do not divide 64 inputs"));
  wrong = w.view;
  wrong.data += 8;
  CHECK_THROWS_WITH(attempt(wrong, 1, 0, 0), Contains("the data of a matrix on the device"));
  CHECK_THROWS_WITH((amq::cuda::gemv_fixed<2, 32>(w.view, x.data(), 1, y.data(), false, workspace, on)),
                    Contains("a kernel of one format"));
}

TEST_CASE("a product does not grow its workspace while a graph is recorded", "[cuda][gemv]") {
  amq::cuda::stream const on;
  product_case<f16> const one({4, 128}, 16, 4096, 1, 28);
  amq::test::matrix_on_device const w(one.w, on);
  auto const x = amq::cuda::uploaded(std::span<f16 const>(one.x), on);
  amq::cuda::device_buffer<float> const y(16, on);
  amq::cuda::product_workspace workspace(90, 132);
  auto const record = [&] {
    return amq::cuda::graph::record(on, [&] { amq::cuda::gemv(w.view, x.data(), 1, y.data(), false, workspace, on); });
  };
  CHECK_THROWS_WITH(record(), Catch::Matchers::Contains("while a graph is recorded"));
  amq::cuda::gemv(w.view, x.data(), 1, y.data(), false, workspace, on);
  auto const expected = amq::test::downloaded(y, on);
  auto const graph = record();
  for (int round = 0; round < 2; ++round) {
    amq::cuda::check(cudaMemsetAsync(y.data(), 0xff, y.bytes(), on), "cudaMemsetAsync");
    graph.launch(on);
    CHECK(amq::test::downloaded(y, on) == expected);
  }
}
