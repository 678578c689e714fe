// The RBF's building blocks: tiles, the growing factor, the affine basis and integer dots, on every instruction set.
#include "amq/predict/detail/dense.hpp"
#include "amq/predict/detail/affine_basis.hpp"
#include "amq/predict/detail/byte_dots.hpp"
#include "amq/predict/detail/growing_cholesky.hpp"
#include "amq/predict/detail/lattice_points.hpp"

#include "amq/core/random.hpp"
#include "support/catch.hpp"

namespace {

using amq::index;
using amq::matrix;

matrix<double> random_matrix(index rows, index cols, std::uint64_t seed) {
  amq::random_stream random(seed);
  matrix<double> m(rows, cols);
  for (index i = 0; i < m.size(); ++i) m.data()[i] = random.normal();
  return m;
}

TEST_CASE("tile products and dots equal plain sums on every instruction set", "[dense]") {
  auto const x = random_matrix(8, 70, 1), b = random_matrix(64, 64, 2), c = random_matrix(8, 64, 3);
  for (auto const which : amq::simd::supported_isas()) {
    INFO(to_string(which));
    amq::detail::dense const math{which};
    auto got = c.clone();
    math.subtract_product(got.data(), 64, x.data() + 3, 70, b.data(), 8);
    for (index r = 0; r < 8; ++r)
      for (index j = 0; j < 64; ++j) {
        double expected = c(r, j);
        for (index k = 0; k < 64; ++k) expected -= x(r, 3 + k) * b(k, j);
        CHECK(got(r, j) == Approx(expected).margin(1e-12));
      }
    double expected = 0;
    for (index i = 0; i < 512; ++i) expected += b.data()[i] * c.data()[i];
    CHECK(math.dot(b.data(), c.data(), 8) == Approx(expected).epsilon(1e-12));
    math.subtract_scaled(got.data(), 2.5, b.data(), 1);
    CHECK(got(0, 63) == Approx(c(0, 63) - 2.5 * b(0, 63) -
                               [&] {
                                 double sum = 0;
                                 for (index k = 0; k < 64; ++k) sum += x(0, 3 + k) * b(k, 63);
                                 return sum;
                               }())
                            .margin(1e-12));
  }
}

matrix<double> positive_definite(index n) {
  auto const a = random_matrix(n, n, 4);
  matrix<double> result(n, n);
  for (index i = 0; i < n; ++i)
    for (index j = 0; j < n; ++j) {
      for (index k = 0; k < n; ++k) result(i, j) += a(i, k) * a(j, k);
      if (i == j) result(i, j) += 1;
    }
  return result;
}

TEST_CASE("parts taken in one pass are those of dots and subtractions in turn, to the bit", "[dense]") {
  amq::random_stream random(8);
  for (auto const which : amq::simd::supported_isas())
    for (index const rows : {0, 1, 2, 7}) {
      amq::detail::dense const math{which};
      matrix<double> directions(rows, 128);
      for (index i = 0; i < directions.size(); ++i) directions.data()[i] = random.normal();
      std::vector<double> fused(128), plain, parts(7, 0.5), expected(7, 0.5);
      for (double& x : fused) x = random.normal();
      plain = fused;
      math.subtract_parts(fused.data(), directions.data(), 128, rows, 2, parts.data());
      for (index k = 0; k < rows; ++k) {
        double const part = math.dot(directions.row(k).data(), plain.data(), 2);
        math.subtract_scaled(plain.data(), part, directions.row(k).data(), 2);
        expected[static_cast<std::size_t>(k)] += part;
      }
      CHECK(fused == plain);
      CHECK(parts == expected);
    }
}

TEST_CASE("the growing factor solves its system and gives the same bits in any steps", "[dense]") {
  index const n = 203;
  auto const a = positive_definite(n);
  std::vector<double> right_side(256);
  for (index i = 0; i < n; ++i) right_side[static_cast<std::size_t>(i)] = std::sin(static_cast<double>(i));
  std::vector<std::vector<double>> solutions;
  for (std::vector<index> const& steps : {std::vector<index>{203}, {1, 62, 64, 3, 73}, {100, 50, 53}}) {
    amq::detail::growing_cholesky factor;
    std::vector<double> x(256);
    for (index const count : steps) {
      index const before = factor.size();
      factor.append(a.view().rows_from(before, count), count);
      factor.solve_lower(x, right_side, before);
    }
    factor.solve_upper(x);
    solutions.push_back(x);
    for (index i = 0; i < n; ++i) {
      double left = 0;
      for (index j = 0; j < n; ++j) left += a(i, j) * x[static_cast<std::size_t>(j)];
      CHECK(left == Approx(right_side[static_cast<std::size_t>(i)]).margin(1e-9));
    }
  }
  CHECK(solutions[0] == solutions[1]);
  CHECK(solutions[0] == solutions[2]);
}

TEST_CASE("a singular matrix is lifted where it is singular", "[dense]") {
  matrix<double> ones(3, 3);
  std::fill_n(ones.data(), 9, 1.0);
  amq::detail::growing_cholesky factor;
  factor.append(ones, 3);
  CHECK(factor.lifted() == 2);
}

TEST_CASE("barycentric weights give back the point, and 0 to spanning points that come later", "[dense]") {
  auto const points = random_matrix(6, 4, 5);
  amq::detail::affine_basis basis(4);
  for (index i = 0; i < 3; ++i) CHECK(basis.add(points.row(i)));
  std::vector<double> inside(4);  // 0.2 p0 + 0.5 p1 + 0.3 p2
  for (index k = 0; k < 4; ++k)
    inside[static_cast<std::size_t>(k)] = 0.2 * points(0, k) + 0.5 * points(1, k) + 0.3 * points(2, k);
  CHECK_FALSE(basis.add(inside));
  std::vector<double> weights(5);
  basis.weights(inside, weights);
  CHECK(weights[0] == Approx(0.2));
  CHECK(weights[1] == Approx(0.5));
  CHECK(weights[2] == Approx(0.3));
  CHECK(basis.add(points.row(3)));
  CHECK(basis.add(points.row(4)));
  CHECK_FALSE(basis.add(points.row(5)));  // five points span four dimensions
  basis.weights(inside, weights);
  CHECK(weights[4] == Approx(0).margin(1e-12));
  auto const plane = basis.interpolate(std::vector<double>{1, 2, 3, 4, 5});
  for (index i = 0; i < 5; ++i) {
    double value = plane.constant;
    for (index k = 0; k < 4; ++k) value += plane.slopes[static_cast<std::size_t>(k)] * points(i, k);
    CHECK(value == Approx(1.0 + static_cast<double>(i)).margin(1e-9));
  }
}

TEST_CASE("integer distances are exact on every instruction set", "[dense]") {
  amq::random_stream random(6);
  for (index const dimensions : {1, 2, 31, 224}) {
    amq::detail::lattice const grid(dimensions, 2);
    amq::detail::lattice_points points;
    matrix<double> features(130, dimensions);
    for (index i = 0; i < features.size(); ++i) features.data()[i] = static_cast<double>(random.below(13)) / 2;
    auto const list = grid.encode(features);
    for (index i = 0; i < 130; ++i) points.add(list, i);
    std::array<std::int32_t, 64> squares{};
    for (index b = 0; b < 3; ++b) {
      points.squared_distances(list, 7, b, squares);
      for (index j = 0; j < (b < 2 ? 64 : 2); ++j) {
        double expected = 0;
        for (index k = 0; k < dimensions; ++k) expected += 4 * std::pow(features(b * 64 + j, k) - features(7, k), 2);
        CHECK(squares[static_cast<std::size_t>(j)] == expected);
      }
    }
  }
}

TEST_CASE("dots of small integers are exact on every instruction set, up to their bound", "[dense]") {
  amq::random_stream random(7);
  for (index const most : {12, 28}) {  // 40 coordinates of 28: 31,360, just below 2^15
    std::vector<std::uint8_t> block(256 * 10), query(40);
    for (auto& c : block) c = static_cast<std::uint8_t>(most == 28 ? 28 : random.below(most));
    for (auto& c : query) c = static_cast<std::uint8_t>(most == 28 ? 28 : random.below(most));
    amq::detail::byte_dots_result expected{}, got;
    for (std::size_t k = 0; k < 40; ++k)
      for (std::size_t j = 0; j < 64; ++j) expected[j] += query[k] * block[k / 4 * 256 + 4 * j + k % 4];
    for (auto const which : amq::simd::supported_isas()) {
      amq::detail::byte_dots(query.data(), block.data(), 10, got, which);
      CHECK(got == expected);
    }
#if defined(__x86_64__)
    if (amq::simd::supported(amq::simd::isa::avx512)) {  // also where the processor has a shorter way
      amq::detail::byte_dots_avx512(query.data(), block.data(), 10, got);
      CHECK(got == expected);
    }
#endif
  }
}

TEST_CASE("codes of a lattice are whole steps within a billionth, or none", "[dense]") {
  amq::detail::lattice const grid(20, 3);
  matrix<double> features(7, 20);
  for (index k = 0; k < 20; ++k) features(0, k) = static_cast<double>(k) / 3;
  features(1, 19) = 1 + 2e-10;
  features(2, 3) = 1 + 1e-6;
  features(3, 18) = -1.0 / 3;
  features(4, 0) = std::nan("");
  features(5, 0) = 1e300;
  features(6, 16) = 40.0 / 3;  // 40 is beyond sqrt(2^15 / 21)
  for (auto const which : amq::simd::supported_isas()) {
    auto const points = grid.encode(features, which);
    CHECK(points.codes.cols() == 32);
    for (index k = 0; k < 32; ++k) CHECK(points.codes(0, k) == (k < 20 ? k : 0));
    CHECK(points.squares == std::vector<std::int32_t>{2470, 9, -1, -1, -1, -1, -1});
    CHECK(points.codes(1, 19) == 3);
  }
}

TEST_CASE("the lattice is the coarsest one, and none for other numbers", "[dense]") {
  matrix<double> features(2, 2);
  features(0, 1) = 0.5, features(1, 0) = 1;
  CHECK(amq::detail::lattice::find(features)->scale() == 2);
  features(1, 1) = 1.0 / 3;
  CHECK(amq::detail::lattice::find(features)->scale() == 6);
  features(1, 1) = 0.7071;
  CHECK_FALSE(amq::detail::lattice::find(features).has_value());
  features(1, 1) = -0.5;
  CHECK_FALSE(amq::detail::lattice::find(features).has_value());
}

}  // namespace
