// MOEA/D: decompositions, scale and neighbourhoods by value, then whole runs.
#include "amq/optimize/moead.hpp"

#include <limits>
#include <set>

#include "amq/optimize/level_switch.hpp"
#include "optimize/known_fronts.hpp"
#include "support/catch.hpp"

namespace {

using amq::configuration;
using amq::gene;
using amq::index;
using amq::matrix;
using amq::random_stream;

constexpr double infinite = std::numeric_limits<double>::infinity();

TEST_CASE("decompositions by value", "[moead]") {
  std::vector<double> const distances{3, 4};
  CHECK(amq::tchebycheff{}(distances, std::vector<double>{0.5, 0.25}) == 1.5);
  CHECK(amq::tchebycheff{}(distances, std::vector<double>{0, 0.25}) == 1);
  CHECK(amq::tchebycheff{}(distances, std::vector<double>{0, 0}) == Approx(4e-6));
  CHECK(amq::weighted_sum{}(distances, std::vector<double>{0.5, 0.25}) == 2.5);
  CHECK(amq::boundary_intersection{5}(distances, std::vector<double>{0.5, 0}) == 3 + 5 * 4);
  CHECK(amq::boundary_intersection{2}(distances, std::vector<double>{6, 8}) == Approx(5));
}

TEST_CASE("the scale is ideal point and reach of the front, of finite values", "[moead]") {
  matrix<double> objectives(3, 2);
  std::vector<double> const values{1, 8, 3, 4, infinite, -infinite};
  std::copy(values.begin(), values.end(), objectives.data());
  amq::objective_scale scale;
  scale.lower_ideal(objectives);
  scale.set_nadir(objectives, std::vector<index>{0, 1, 2});
  CHECK(std::vector(scale.ideal().begin(), scale.ideal().end()) == std::vector<double>{1, 4});
  CHECK(std::vector(scale.range().begin(), scale.range().end()) == std::vector<double>{2, 4});
  std::vector<double> distances(2);
  scale.distances(std::vector<double>{2, 8}, distances);
  CHECK(distances == std::vector<double>{0.5, 1});
  scale.distances(std::vector<double>{infinite, std::nan("")}, distances);
  CHECK(distances == std::vector<double>{infinite, infinite});
  matrix<double> lower(1, 2);
  lower(0, 1) = 5;
  scale.lower_ideal(lower);
  scale.set_nadir(lower, std::vector<index>{0});
  CHECK(scale.ideal()[0] == 0);
  CHECK(scale.ideal()[1] == 4);
  CHECK(scale.range()[0] == 1);  // no reach: the unit stays
}

TEST_CASE("neighbourhoods are the nearest weights, one's own first", "[moead]") {
  auto const near = amq::nearest_weights(amq::simplex_lattice(2, 4), 3);
  CHECK(near == std::vector<std::vector<index>>{{0, 1, 2}, {1, 0, 2}, {2, 1, 3}, {3, 2, 4}, {4, 3, 2}});
  CHECK(amq::nearest_weights(amq::simplex_lattice(2, 1), 9) == std::vector<std::vector<index>>{{0, 1}, {1, 0}});
}

TEST_CASE("a run has distinct individuals, its evaluations in batches, and the same bits twice", "[moead]") {
  struct counted : amq::testing::choice_knapsack {
    using choice_knapsack::choice_knapsack;
    std::vector<index> batches;
    void evaluate(amq::matrix_view<gene const> genes, amq::matrix_view<double> out) {
      batches.push_back(genes.rows);
      choice_knapsack::evaluate(genes, out);
    }
  };
  using optimizer_type = amq::moead<amq::tchebycheff, amq::level_switch_crossover, amq::step_mutation>;
  static_assert(amq::optimizer<optimizer_type, counted>);
  optimizer_type const optimizer({.population = 31, .generations = 9, .neighbours = 6}, {}, {}, {.probability = 1});
  std::vector<std::vector<gene>> runs;
  for (int run = 0; run < 2; ++run) {
    counted problem(14, 2);
    random_stream random(5);
    auto const result = optimizer.minimize(problem, {}, random);
    CHECK(problem.batches.size() == 9);
    CHECK(problem.batches[0] == 31);
    CHECK(*std::ranges::max_element(problem.batches) <= 31);
    std::set<configuration> distinct;
    for (index i = 0; i < result.genes.rows(); ++i)
      distinct.emplace(result.genes.row(i).begin(), result.genes.row(i).end());
    CHECK(std::ssize(distinct) == result.genes.rows());
    matrix<double> again(result.genes.rows(), 2);
    problem.evaluate(result.genes, again);
    CHECK(std::equal(again.data(), again.data() + again.size(), result.objectives.data()));
    runs.emplace_back(result.genes.data(), result.genes.data() + result.genes.size());
  }
  CHECK(runs[0] == runs[1]);
}

TEST_CASE("the first generation is the start alone, or filled up on request", "[moead]") {
  amq::testing::choice_knapsack problem(20, 3);
  matrix<gene> start(3, 20);
  start(1, 4) = 2;  // rows 0 and 2 are the same individual
  random_stream random(6);
  auto const alone = amq::moead<>({.population = 40, .generations = 1}).minimize(problem, start, random);
  CHECK(alone.genes.rows() == 2);
  auto const filled =
      amq::moead<>({.population = 40, .generations = 1, .fill_start = true}).minimize(problem, start, random);
  CHECK(filled.genes.rows() > 3);
}

TEST_CASE("the replacement limit decides how fast one individual spreads", "[moead]") {
  amq::testing::choice_knapsack problem(30, 3);
  matrix<gene> const start(1, 30);
  auto const distinct = [&](index limit) {
    random_stream random(7);
    return amq::moead<>({.population = 60, .generations = 12, .replacement_limit = limit}, {}, {}, {.probability = 1})
        .minimize(problem, start, random)
        .genes.rows();
  };
  CHECK(distinct(1) > distinct(60) + 5);
}

TEST_CASE("odd and tiny populations, one objective, one choice and no variables", "[moead]") {
  struct plain {
    index variables_, objectives_;
    int levels_;
    index variables() const { return variables_; }
    int levels(index) const { return levels_; }
    index objectives() const { return objectives_; }
    void evaluate(amq::matrix_view<gene const> genes, amq::matrix_view<double> out) const {
      for (index i = 0; i < genes.rows; ++i)
        for (index m = 0; m < out.cols; ++m) {
          out(i, m) = 0;
          for (index v = 0; v < genes.cols; ++v) out(i, m) += std::abs(genes(i, v) - 2.0 * static_cast<double>(m));
        }
    }
  };
  random_stream random(8);
  amq::moead<> const odd({.population = 7, .generations = 30}, {}, {}, {.probability = 1});
  plain none{0, 2, 3}, fixed{4, 2, 1}, single{5, 1, 4}, three{3, 3, 5};
  CHECK(odd.minimize(none, {}, random).genes.rows() == 1);
  CHECK(odd.minimize(fixed, {}, random).genes.rows() == 1);
  auto const best = odd.minimize(single, {}, random);
  CHECK(best.genes.rows() == 1);
  CHECK(best.objectives(0, 0) < 8);
  auto const corners = amq::moead<>({.population = 2, .generations = 30, .neighbours = 2}).minimize(three, {}, random);
  CHECK(corners.genes.rows() >= 1);
  CHECK(corners.genes.rows() <= 3);
  CHECK_THROWS_AS(amq::moead<>({.population = 0}), amq::precondition_error);
  CHECK_THROWS_AS(amq::moead<>({.generations = 0}), amq::precondition_error);
  CHECK_THROWS_AS(amq::moead<>({.neighbours = 1}), amq::precondition_error);
  CHECK_THROWS_AS(amq::moead<>({.replacement_limit = 0}), amq::precondition_error);
}

TEST_CASE("objectives that are not finite lose", "[moead]") {
  struct partial : amq::testing::choice_knapsack {
    using choice_knapsack::choice_knapsack;
    void evaluate(amq::matrix_view<gene const> genes, amq::matrix_view<double> out) const {
      choice_knapsack::evaluate(genes, out);
      for (index i = 0; i < genes.rows; ++i)
        if (genes(i, 0) == 3) out(i, 0) = genes(i, 1) > 1 ? infinite : std::nan("");
    }
  };
  partial problem(10, 4);
  random_stream random(9);
  auto const result =
      amq::moead<>({.population = 20, .generations = 30}, {}, {}, {.probability = 1}).minimize(problem, {}, random);
  for (index i = 0; i < result.genes.rows(); ++i) CHECK(std::isfinite(result.objectives(i, 0)));
}

}  // namespace
