// NSGA-II: selection and survival by hand, then whole runs against fronts that are known exactly.
#include "amq/optimize/nsga2.hpp"

#include <set>

#include "support/catch.hpp"

namespace {

using amq::configuration;
using amq::gene;
using amq::index;
using amq::matrix;
using amq::random_stream;

matrix<double> rows(std::vector<std::pair<double, double>> const& points) {
  matrix<double> m(std::ssize(points), 2);
  for (index i = 0; i < m.rows(); ++i) {
    m(i, 0) = points[static_cast<std::size_t>(i)].first;
    m(i, 1) = points[static_cast<std::size_t>(i)].second;
  }
  return m;
}

TEST_CASE("survival takes whole fronts and cuts the last one by crowding", "[nsga2]") {
  auto const points = rows({{9, 9}, {0, 3}, {1, 2}, {1.1, 1.9}, {3, 0}, {2, 3}});
  auto const all = amq::rank_and_crowding_survival(points, 6);
  CHECK(all.rows == std::vector<index>{1, 2, 3, 4, 5, 0});
  auto const three = amq::rank_and_crowding_survival(points, 3);
  CHECK(three.rows == std::vector<index>{1, 4, 3});  // the extremes, then the one with more room
  CHECK(std::isinf(three.crowding[0]));
  CHECK(three.crowding[2] == Approx((2.0 / 3 + 2.0 / 3) / 2));
  CHECK(amq::rank_and_crowding_survival(points, 5).rows == std::vector<index>{1, 2, 3, 4, 5});
}

TEST_CASE("a tournament goes to the dominator, then to the lonelier", "[nsga2]") {
  auto const points = rows({{0, 0}, {1, 1}, {0, 2}, {2, 0}});
  std::vector<double> const crowding{1, 9, 3, 2};
  random_stream random(1);
  CHECK(amq::binary_tournament(0, 1, points, crowding, random) == 0);
  CHECK(amq::binary_tournament(1, 0, points, crowding, random) == 0);
  CHECK(amq::binary_tournament(3, 2, points, crowding, random) == 2);
  std::set<index> winners;
  for (int i = 0; i < 40; ++i)
    winners.insert(amq::binary_tournament(2, 3, points, std::vector<double>(4, 1.0), random));
  CHECK(winners == std::set<index>{2, 3});
}

TEST_CASE("every row enters equally many tournaments", "[nsga2]") {
  auto const points = rows({{0, 1}, {1, 0}, {0.5, 0.5}});
  random_stream random(2);
  auto const parents = amq::select_parents(3, points, std::vector<double>{1, 1, 5}, random);
  CHECK(parents.size() == 3);
  // Six entrants are two permutations: row 2 enters twice and wins unless it meets itself.
  CHECK(std::count(parents.begin(), parents.end(), 2) >= 1);
}

/// Choosing level g of item i costs weight[i] g and saves worth[i] g: the front follows from the ratios.
struct knapsack {
  std::vector<double> worth, weight;
  index evaluated = 0;

  index variables() const { return std::ssize(worth); }
  int levels(index) const { return 3; }
  index objectives() const { return 2; }
  void evaluate(amq::matrix_view<gene const> genes, amq::matrix_view<double> out) {
    evaluated += genes.rows;
    for (index i = 0; i < genes.rows; ++i) {
      out(i, 0) = out(i, 1) = 0;
      for (index v = 0; v < genes.cols; ++v) {
        out(i, 0) += worth[static_cast<std::size_t>(v)] * (2 - genes(i, v));
        out(i, 1) += weight[static_cast<std::size_t>(v)] * genes(i, v);
      }
    }
  }
};
static_assert(amq::optimizer<amq::nsga2<>, knapsack>);

knapsack make_knapsack(index n) {
  knapsack problem;
  for (index i = 0; i < n; ++i) {
    problem.worth.push_back(1 + static_cast<double>(i * i % 7));
    problem.weight.push_back(1 + static_cast<double>(i % 3));
  }
  return problem;
}

/// Least loss for each total weight, by dynamic programming.
std::vector<double> knapsack_front(knapsack const& problem) {
  std::vector<double> best{0};
  for (std::size_t i = 0; i < problem.worth.size(); ++i) {
    auto const w = static_cast<std::size_t>(problem.weight[i]);
    std::vector<double> next(best.size() + 2 * w, 1e9);
    for (std::size_t s = 0; s < best.size(); ++s)
      for (std::size_t g = 0; g < 3; ++g)
        next[s + g * w] = std::min(next[s + g * w], best[s] + problem.worth[i] * (2 - static_cast<double>(g)));
    best = std::move(next);
  }
  return best;
}

TEST_CASE("nsga2 comes close to the exact front of a knapsack", "[nsga2]") {
  auto problem = make_knapsack(20);
  auto const front = knapsack_front(problem);
  amq::nsga2<> const optimizer({.population = 100, .generations = 150}, {}, {.probability = 0.9});
  random_stream random(3);
  auto const result = optimizer.minimize(problem, {}, random);
  CHECK(problem.evaluated == 100 * 150);
  CHECK(result.genes.rows() == 100);
  double excess = 0;
  for (index i = 0; i < 100; ++i) {
    auto const weight = static_cast<std::size_t>(result.objectives(i, 1));
    CHECK(result.objectives(i, 0) >= front[weight] - 1e-9);
    excess += result.objectives(i, 0) - front[weight];
  }
  CHECK(excess / 100 < 0.02 * front[0]);
}

/// An integer ZDT1: the front is g = 1, where all genes but the first are 0.
struct integer_zdt1 {
  index variables() const { return 12; }
  int levels(index v) const { return v == 0 ? 101 : 8; }
  index objectives() const { return 2; }
  void evaluate(amq::matrix_view<gene const> genes, amq::matrix_view<double> out) {
    for (index i = 0; i < genes.rows; ++i) {
      double g = 1;
      for (index v = 1; v < genes.cols; ++v) g += 9.0 / 11 * genes(i, v) / 7;
      out(i, 0) = genes(i, 0) / 100.0;
      out(i, 1) = g * (1 - std::sqrt(out(i, 0) / g));
    }
  }
};

TEST_CASE("nsga2 finds the front of an integer ZDT1", "[nsga2]") {
  for (bool const fill : {false, true}) {
    integer_zdt1 problem;
    amq::nsga2<amq::binomial_crossover, amq::reset_mutation> const optimizer(
        {.population = 60, .generations = 120, .fill_start = fill}, {}, {.probability = 1});
    random_stream random(4);
    matrix<gene> start(1, 12);
    std::fill_n(start.data(), 12, gene{7});
    auto const result = optimizer.minimize(problem, start, random);
    index on_front = 0;
    for (index i = 0; i < result.genes.rows(); ++i)
      on_front += std::abs(result.objectives(i, 1) - (1 - std::sqrt(result.objectives(i, 0)))) < 1e-9;
    CHECK(on_front >= 54);
  }
}

TEST_CASE("one seed gives the same population twice, and no individual twice in it", "[nsga2]") {
  auto problem = make_knapsack(9);
  matrix<gene> start(3, 9);
  start(1, 4) = 2;  // rows 0 and 2 are the same individual
  amq::nsga2<amq::binomial_crossover, amq::resample_mutation> const optimizer({.population = 31, .generations = 8});
  std::vector<std::vector<gene>> runs;
  for (int run = 0; run < 2; ++run) {
    random_stream random(5);
    auto const result = optimizer.minimize(problem, start, random);
    std::set<configuration> distinct;
    for (index i = 0; i < result.genes.rows(); ++i)
      distinct.emplace(result.genes.row(i).begin(), result.genes.row(i).end());
    CHECK(std::ssize(distinct) == result.genes.rows());
    runs.emplace_back(result.genes.data(), result.genes.data() + result.genes.size());
  }
  CHECK(runs[0] == runs[1]);
}

/// Only variable 1 has anything to choose.
struct one_choice {
  index variables() const { return 3; }
  int levels(index v) const { return v == 1 ? 2 : 1; }
  index objectives() const { return 2; }
  void evaluate(amq::matrix_view<gene const> genes, amq::matrix_view<double> out) {
    for (index i = 0; i < genes.rows; ++i) {
      REQUIRE(genes(i, 0) + genes(i, 2) == 0);
      out(i, 0) = genes(i, 1);
      out(i, 1) = 1 - out(i, 0);
    }
  }
};

TEST_CASE("problems smaller than the population, and without variables, end", "[nsga2]") {
  random_stream random(6);
  auto two = make_knapsack(2);
  auto const all =
      amq::nsga2<>({.population = 50, .generations = 30}, {}, {.probability = 1}).minimize(two, {}, random);
  CHECK(all.genes.rows() == 9);
  auto none = make_knapsack(0);
  one_choice fixed;
  CHECK(amq::nsga2<>({.population = 7, .generations = 5}).minimize(fixed, {}, random).genes.rows() == 2);
  CHECK(amq::nsga2<>{}.minimize(none, {}, random).genes.rows() == 1);
  CHECK_THROWS_AS(amq::nsga2<>({.population = 1}), amq::precondition_error);
  CHECK_THROWS_AS(amq::nsga2<>({.generations = 0}), amq::precondition_error);
}

}  // namespace
