#include "amq/kernel/half_product.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "support/tiles.hpp"

namespace amq {
namespace {

struct halves {
  std::vector<std::uint16_t> stored;
  half_view view;
};

/// Rows of `cols` values that are `cols + 3` apart.
halves random_halves(dtype type, index rows, index cols) {
  auto const values = test::normal_matrix(rows, cols + 3, 31);
  halves result{std::vector<std::uint16_t>(static_cast<std::size_t>(values.size())), {}};
  for (std::size_t i = 0; i < result.stored.size(); ++i)
    result.stored[i] = type == dtype::bf16 ? f32_to_bf16(values.data()[i]) : f32_to_f16(values.data()[i]);
  result.view = {result.stored.data(), type, rows, cols, cols + 3};
  return result;
}

matrix<double> expected_product(half_view const& w, matrix<float> const& x) {
  matrix<double> y(x.rows(), w.rows);
  for (index t = 0; t < x.rows(); ++t)
    for (index r = 0; r < w.rows; ++r)
      for (index k = 0; k < w.cols; ++k) {
        std::uint16_t const bits = w.data[r * w.stride + k];
        y(t, r) += static_cast<double>(w.type == dtype::bf16 ? bf16_to_f32(bits) : f16_to_f32(bits)) * x(t, k);
      }
  return y;
}

}  // namespace

TEST_CASE("16-bit rows multiply as f64 does, for every instruction set and shape", "[kernel]") {
  serial_executor alone;
  for (simd::isa const which : simd::supported_isas())
    for (dtype const type : {dtype::bf16, dtype::f16})
      for (index const rows : {1, 7, 131})
        for (index const cols : {5, 64, 517})
          for (index const tokens : {1, 2, 9}) {
            auto const w = random_halves(type, rows, cols);
            auto const x = test::normal_matrix(tokens, cols, 32);
            matrix<float> y(tokens, rows);
            multiply(w.view, x, y, alone, which);
            INFO(simd::to_string(which) << ", " << to_string(type) << ", " << rows << " x " << cols << ", " << tokens);
            CHECK(test::relative_rms(y, expected_product(w.view, x)) < 1e-6);
          }
}

TEST_CASE("16-bit products have the same bits with any number of threads", "[kernel]") {
  auto const w = random_halves(dtype::bf16, 203, 96);
  for (index const tokens : {1, 5}) {
    auto const x = test::normal_matrix(tokens, 96, 33);
    matrix<float> expected(tokens, 203), y(tokens, 203);
    multiply(w.view, x, expected);
    for (int const threads : {2, 5}) {
      thread_executor executor(threads);
      multiply(w.view, x, y, executor);
      CHECK(std::memcmp(y.data(), expected.data(), sizeof(float) * static_cast<std::size_t>(y.size())) == 0);
    }
  }
}

TEST_CASE("A NaN among 16-bit weights reaches its row alone", "[kernel]") {
  auto w = random_halves(dtype::f16, 6, 40);
  w.stored[2 * 43 + 39] = 0x7e00;
  for (index const tokens : {1, 2}) {
    matrix<float> y(tokens, 6);
    multiply(w.view, test::normal_matrix(tokens, 40, 34), y);
    for (index r = 0; r < 6; ++r) CHECK(std::isnan(y(0, r)) == (r == 2));
  }
  matrix<float> wrong(1, 5);
  CHECK_THROWS_AS(multiply(w.view, test::normal_matrix(1, 40, 34), wrong), precondition_error);
}

}  // namespace amq
