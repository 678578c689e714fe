// Lattices by value; how many weights each layout takes of what is allowed.
#include "amq/optimize/weights.hpp"

#include <numeric>
#include <set>

#include "support/catch.hpp"

namespace {

using amq::index;

std::vector<std::vector<double>> rows_of(amq::matrix<double> const& m) {
  std::vector<std::vector<double>> rows;
  for (index i = 0; i < m.rows(); ++i) rows.emplace_back(m.row(i).begin(), m.row(i).end());
  return rows;
}

TEST_CASE("a simplex lattice has all its points once", "[weights]") {
  CHECK(rows_of(amq::simplex_lattice(2, 2)) == std::vector<std::vector<double>>{{0, 1}, {0.5, 0.5}, {1, 0}});
  CHECK(rows_of(amq::simplex_lattice(3, 2)) ==
        std::vector<std::vector<double>>{{0, 0, 1}, {0, 0.5, 0.5}, {0, 1, 0}, {0.5, 0, 0.5}, {0.5, 0.5, 0}, {1, 0, 0}});
  CHECK(rows_of(amq::simplex_lattice(1, 7)) == std::vector<std::vector<double>>{{1}});
  auto const many = rows_of(amq::simplex_lattice(4, 9));
  CHECK(std::ssize(many) == 220);
  CHECK(amq::simplex_lattice_size(4, 9) == 220);
  CHECK(std::set(many.begin(), many.end()).size() == 220);
  for (auto const& point : many) CHECK(std::accumulate(point.begin(), point.end(), 0.0) == Approx(1));
  CHECK_THROWS_AS(amq::simplex_lattice(0, 3), amq::precondition_error);
  CHECK_THROWS_AS(amq::simplex_lattice(2, 0), amq::precondition_error);
}

TEST_CASE("uniform weights are the largest lattice that is allowed", "[weights]") {
  amq::uniform_weights const weights;
  CHECK(weights(2, 200).rows() == 200);
  CHECK(weights(2, 31).rows() == 31);
  CHECK(weights(3, 104).rows() == 91);
  CHECK(weights(3, 105).rows() == 105);
  CHECK(weights(3, 2).rows() == 3);
  CHECK(weights(1, 50).rows() == 1);
}

TEST_CASE("two layers: corners outside, the inner ones half way to the centre", "[weights]") {
  auto const weights = amq::two_layer_weights{}(3, 9);
  REQUIRE(weights.rows() == 9);  // 6 of two divisions, 3 of one
  CHECK(rows_of(weights)[5] == std::vector<double>{1, 0, 0});
  for (index m = 0; m < 3; ++m) CHECK(weights(8, m) == Approx(m == 0 ? 2.0 / 3 : 1.0 / 6));
  CHECK(amq::two_layer_weights{}(3, 15).rows() == 9);
  CHECK(amq::two_layer_weights{}(3, 16).rows() == 16);
  CHECK(amq::two_layer_weights{.shrink = 0}(2, 5)(4, 0) == Approx(0.5));
}

}  // namespace
