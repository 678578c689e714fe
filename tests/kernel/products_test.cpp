#include "amq/kernel/products.hpp"

#include <cstring>
#include <vector>

#include "support/catch.hpp"
#include "support/tiles.hpp"

namespace amq {
namespace {

constexpr index cols = 256;

/// Matrices of every form, with rows that fill neither tiles nor pieces, and what they stand for in f32.
struct every_form {
  std::vector<weight_matrix> matrices;
  std::vector<matrix<float>> values;
  std::vector<std::uint16_t> halves;
  matrix<float> floats = test::normal_matrix(45, cols, 3);

  every_form() {
    add_tiles({3, 128}, 197);
    add_tiles({4, 32}, 83);
    auto const normal = test::normal_matrix(150, cols, 4);
    for (index i = 0; i < normal.size(); ++i) halves.push_back(f32_to_bf16(normal.data()[i]));
    matrices.emplace_back(dense_rows{reinterpret_cast<std::byte const*>(halves.data()), dtype::bf16, 150, cols});
    auto& rounded = values.emplace_back(150, cols);
    for (index i = 0; i < rounded.size(); ++i) rounded.data()[i] = bf16_to_f32(halves[static_cast<std::size_t>(i)]);
    matrices.emplace_back(dense_rows{reinterpret_cast<std::byte const*>(floats.data()), dtype::f32, 45, cols});
    values.push_back(floats.clone());
    matrices.emplace_back(dense_matrix(floats));
    values.push_back(floats.clone());
  }

  void add_tiles(format storage, index rows) {
    auto const packed = test::random_packed(storage, rows, cols, 5);
    packed.dequantize(values.emplace_back(rows, cols));
    matrices.emplace_back(*weight_matrix::in_tiles(packed));
  }
};

bool same_bits(matrix<float> const& a, matrix<float> const& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), sizeof(float) * static_cast<std::size_t>(a.size())) == 0;
}

matrix<float> alone(weight_matrix const& w, matrix<float> const& x, precision rounded) {
  products<serial_executor const> one(rounded, on_this_thread);
  matrix<float> y(x.rows(), w.rows());
  one.prepare(x);
  one.multiply(w, y);
  return y;
}

matrix<double> expected(matrix<float> const& w, matrix<float> const& x) {
  matrix<double> y(x.rows(), w.rows());
  for (index t = 0; t < x.rows(); ++t)
    for (index r = 0; r < w.rows(); ++r)
      for (index k = 0; k < w.cols(); ++k) y(t, r) += static_cast<double>(w(r, k)) * x(t, k);
  return y;
}

}  // namespace

TEST_CASE("a matrix in any form is multiplied as f64 does", "[kernel]") {
  every_form const forms;
  for (index const tokens : {1, 9}) {
    auto const x = test::normal_matrix(tokens, cols, 6);
    for (std::size_t i = 0; i < forms.matrices.size(); ++i) {
      CAPTURE(i, tokens);
      auto const by_hand = expected(forms.values[i], x);
      CHECK(test::relative_rms(alone(forms.matrices[i], x, precision::f32), by_hand) < 1e-6);
      CHECK(test::relative_rms(alone(forms.matrices[i], x, precision::bf16), by_hand) < 3e-3);
    }
  }
}

TEST_CASE("matrices multiplied together give the bits that each gives alone, with any number of threads", "[kernel]") {
  every_form const forms;
  for (index const tokens : {1, 9}) {
    auto const x = test::normal_matrix(tokens, cols, 7);
    for (int const threads : {1, 2, 3}) {
      CAPTURE(tokens, threads);
      thread_executor executor(threads);
      products<thread_executor> many(precision::bf16, executor);
      many.prepare(x);
      // All but the tiles of the other group size; then, with these, every form.
      for (std::size_t const first : {std::size_t{1}, std::size_t{0}}) {
        std::vector<matrix<float>> found;
        for (auto const& w : forms.matrices) found.emplace_back(tokens, w.rows());
        std::vector<product_output> outputs;
        for (std::size_t i = first; i < found.size(); ++i) outputs.push_back({&forms.matrices[i], found[i]});
        many.multiply(outputs);
        for (std::size_t i = first; i < found.size(); ++i)
          CHECK(same_bits(found[i], alone(forms.matrices[i], x, precision::bf16)));
      }
    }
  }
}

TEST_CASE("a gated pair gives silu(gate) up, with the bits of doing so in steps", "[kernel]") {
  index const rows = 611;
  auto const gate = weight_matrix::in_tiles(test::random_packed({3, 128}, rows, cols, 8, 0.02f));
  for (int const up_group : {128, 32}) {
    auto const up = weight_matrix::in_tiles(test::random_packed({2, up_group}, rows, cols, 9, 0.02f));
    REQUIRE((gate && up));
    for (index const tokens : {1, 9}) {
      auto const x = test::normal_matrix(tokens, cols, 10);
      auto steps = alone(*gate, x, precision::f32);
      auto const other = alone(*up, x, precision::f32);
      for (index t = 0; t < tokens; ++t)
        simd::silu_multiply(steps.row(t).data(), other.row(t).data(), steps.row(t).data(), rows);
      for (int const threads : {1, 3}) {
        CAPTURE(up_group, tokens, threads);
        thread_executor executor(threads);
        products<thread_executor> many(precision::f32, executor);
        matrix<float> y(tokens, rows);
        many.prepare(x);
        many.multiply_gated(*gate, *up, y);
        CHECK(same_bits(y, steps));
      }
    }
  }
}

TEST_CASE("a weight_matrix has tiles of what kernels read, and lends itself", "[kernel]") {
  CHECK(weight_matrix::in_tiles(test::random_packed({3, 128}, 20, cols, 1)));
  CHECK_FALSE(weight_matrix::in_tiles(test::random_packed({7, 128}, 20, cols, 1)));
  CHECK_FALSE(weight_matrix::in_tiles(test::random_packed({3, 16}, 20, cols, 1)));
  CHECK_FALSE(weight_matrix::in_tiles({test::random_packed({3, 128}, 20, cols, 1), std::vector<float>(cols, 2.0f)}));
  CHECK_FALSE(weight_matrix::in_tiles(test::normal_matrix(20, cols, 1)));
  std::vector<std::int32_t> const groups(static_cast<std::size_t>(cols), 1);
  CHECK_FALSE(weight_matrix::in_tiles(test::random_packed({3, 128}, 20, cols, 1).with_column_groups(groups)));
  every_form const forms;
  auto const x = test::normal_matrix(2, cols, 11);
  for (auto const& owned : forms.matrices) {
    auto const lent = owned.view();
    CHECK(lent.rows() == owned.rows());
    CHECK(lent.cols() == owned.cols());
    CHECK(lent.bytes() == owned.bytes());
    CHECK(same_bits(alone(lent, x, precision::f32), alone(owned, x, precision::f32)));
  }
}

TEST_CASE("products whose shapes disagree are refused", "[kernel]") {
  every_form const forms;
  products<serial_executor const> one(precision::f32, on_this_thread);
  auto const x = test::normal_matrix(2, cols, 12), narrow = test::normal_matrix(2, cols / 2, 12);
  matrix<float> y(2, forms.matrices[0].rows()), wide(2, forms.matrices[0].rows() + 1);
  one.prepare(x);
  CHECK_THROWS_AS(one.multiply(forms.matrices[0], wide), precondition_error);
  CHECK_THROWS_AS(one.multiply_gated(forms.matrices[0], forms.matrices[1], y), precondition_error);
  one.prepare(narrow);
  CHECK_THROWS_AS(one.multiply(forms.matrices[0], y), precondition_error);
}

}  // namespace amq
