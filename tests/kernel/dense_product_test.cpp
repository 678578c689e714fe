#include "amq/kernel/dense_product.hpp"

#include <cmath>
#include <vector>

#include "support/catch.hpp"

namespace amq {
namespace {

matrix<float> wave(index rows, index cols, double phase) {
  matrix<float> m(rows, cols);
  for (index i = 0; i < m.size(); ++i)
    m.data()[i] = static_cast<float>(std::sin(0.37 * static_cast<double>(i) + phase));
  return m;
}

/// x W^T in f64.
std::vector<double> reference(matrix<float> const& x, matrix<float> const& w) {
  std::vector<double> y;
  for (index i = 0; i < x.rows(); ++i)
    for (index j = 0; j < w.rows(); ++j) {
      double sum = 0;
      for (index k = 0; k < w.cols(); ++k) sum += static_cast<double>(x(i, k)) * w(j, k);
      y.push_back(sum);
    }
  return y;
}

bool same_bits(matrix_view<float const> a, matrix_view<float const> b) {
  for (index i = 0; i < a.rows; ++i)
    if (std::memcmp(a.row(i).data(), b.row(i).data(), sizeof(float) * static_cast<std::size_t>(a.cols)) != 0)
      return false;
  return true;
}

}  // namespace

TEST_CASE("a dense product of any shape equals the f64 reference", "[kernel]") {
  struct shape {
    index tokens, rows, cols;
  };
  for (auto const which : simd::supported_isas())
    for (auto const [tokens, rows, cols] : {shape{0, 5, 7},
                                            {1, 1, 1},
                                            {3, 7, 15},
                                            {7, 17, 31},
                                            {13, 33, 100},
                                            {14, 32, 64},
                                            {15, 31, 128},
                                            {29, 64, 33},
                                            {5, 100, 511},
                                            {3, 40, 513},
                                            {257, 16, 1030},
                                            {131, 33, 2100},
                                            {6, 9, 2048},
                                            {4, 8, 0}}) {
      CAPTURE(to_string(which), tokens, rows, cols);
      auto const x = wave(tokens, cols, 0.2), w = wave(rows, cols, 0.9);
      matrix<float> y(tokens, rows);
      for (index i = 0; i < y.size(); ++i) y.data()[i] = 1e30f;
      dense_matrix const packed(w, which);
      CHECK(packed.rows() == rows);
      CHECK(packed.cols() == cols);
      packed.multiply(x, y);
      auto const expected = reference(x, w);
      double worst = 0;
      for (index i = 0; i < y.size(); ++i)
        worst = std::max(worst, std::abs(y.data()[i] - expected[static_cast<std::size_t>(i)]));
      CHECK(worst <= 1.2e-7 * std::pow(static_cast<double>(cols), 1.5));  // roundings of one chain
    }
}

TEST_CASE("a row of a product has the same bits alone, in any block and at any place", "[kernel]") {
  for (auto const which : simd::supported_isas())
    for (index const cols : {index{100}, index{384}, index{2300}}) {
      CAPTURE(to_string(which), cols);
      auto const x = wave(300, cols, 0.4), w = wave(75, cols, 0.1);
      dense_matrix const packed(w, which);
      matrix<float> together(300, 75), alone(1, 75), some(17, 75);
      packed.multiply(x, together);
      for (index const row : {0, 5, 13, 14, 255, 256, 299}) {
        packed.multiply(x.view().rows_from(row, 1), alone);
        CHECK(same_bits(alone, together.view().rows_from(row, 1)));
      }
      packed.multiply(x.view().rows_from(250, 17), some);
      CHECK(same_bits(some, together.view().rows_from(250, 17)));
    }
}

TEST_CASE("AVX2 and AVX-512 products have the same bits", "[kernel]") {
  if (!simd::supported(simd::isa::avx512)) {
    WARN("skipped: this processor has no AVX-512");
    return;
  }
  auto const x = wave(37, 700, 0.4), w = wave(75, 700, 0.1);
  matrix<float> narrow(37, 75), wide(37, 75);
  dense_matrix(w, simd::isa::avx2).multiply(x, narrow);
  dense_matrix(w, simd::isa::avx512).multiply(x, wide);
  CHECK(same_bits(narrow, wide));
}

TEST_CASE("strided operands: only the view's elements are read and written", "[kernel]") {
  for (auto const which : simd::supported_isas()) {
    CAPTURE(to_string(which));
    auto const x = wave(20, 50, 0.4), w = wave(45, 50, 0.1);
    matrix<float> wide_x(20, 1100), wide_y(20, 60), y(20, 45);
    for (index i = 0; i < 20; ++i) std::copy(x.row(i).begin(), x.row(i).end(), wide_x.row(i).begin() + 3);
    for (index i = 0; i < wide_y.size(); ++i) wide_y.data()[i] = 5;
    dense_matrix const packed(w, which);
    packed.multiply(x, y);
    packed.multiply({wide_x.data() + 3, 20, 50, 1100}, {wide_y.data() + 7, 20, 45, 60});
    CHECK(same_bits(y, matrix_view<float const>{wide_y.data() + 7, 20, 45, 60}));
    for (index i = 0; i < 20; ++i)
      for (index j = 0; j < 60; ++j)
        if (j < 7 || j >= 52) CHECK(wide_y(i, j) == 5);
  }
}

TEST_CASE("a tile of the outputs equals those columns of the whole product", "[kernel]") {
  for (auto const which : simd::supported_isas()) {
    CAPTURE(to_string(which));
    auto const x = wave(9, 64, 0.4), w = wave(150, 64, 0.1);
    dense_matrix const packed(w, which);
    matrix<float> y(9, 150);
    packed.multiply(x, y);
    for (index const first : {index{0}, packed.panel_rows(), 2 * packed.panel_rows()}) {
      index const count = std::min<index>(150 - first, 41);
      matrix<float> part(9, count);
      packed.multiply_from(first, x, part);
      CHECK(same_bits(part, matrix_view<float const>{y.data() + first, 9, count, 150}));
    }
    matrix<float> part(9, 10);
    CHECK_THROWS_AS(packed.multiply_from(1, x, part), precondition_error);
    CHECK_THROWS_AS(packed.multiply_from(144, x, part), precondition_error);
  }
}

TEST_CASE("a product of shapes that disagree is refused", "[kernel]") {
  auto const w = wave(6, 4, 0);
  dense_matrix const packed(w);
  matrix<float> x(3, 5), y(3, 6), few(2, 6), narrow(3, 4);
  CHECK_THROWS_AS(packed.multiply(x, y), precondition_error);
  CHECK_THROWS_AS(packed.multiply(matrix<float>(3, 4), few), precondition_error);
  CHECK_THROWS_AS(packed.multiply(matrix<float>(3, 4), narrow), precondition_error);
}

}  // namespace amq
