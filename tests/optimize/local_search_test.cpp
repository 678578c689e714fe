// Moves by value; then local search on problems small enough to know all of.
#include "amq/optimize/local_search.hpp"

#include <set>

#include "optimize/known_fronts.hpp"
#include "support/catch.hpp"

namespace {

using amq::configuration;
using amq::gene;
using amq::index;
using amq::level_move;
using amq::matrix;
using amq::random_stream;

TEST_CASE("single steps and pair exchanges are all there are", "[local_search]") {
  configuration const genes{0, 1, 2, 0};
  std::vector<int> const levels{3, 3, 3, 1};
  CHECK(amq::single_steps(genes, levels) == std::vector<level_move>{{0, -1}, {-1, 1}, {1, -1}, {-1, 2}});
  CHECK(amq::pair_exchanges(genes, levels) == std::vector<level_move>{{0, 1}, {0, 2}, {1, 2}});
  auto moved = genes;
  level_move{.up = 0, .down = 2}.apply(moved);
  CHECK(moved == configuration{1, 1, 1, 0});
  CHECK(amq::single_steps({}, {}).empty());
  CHECK(amq::pair_exchanges({}, {}).empty());
}

/// Keeps what it was asked.
struct watched : amq::testing::choice_knapsack {
  using choice_knapsack::choice_knapsack;
  std::vector<index> batches;
  std::multiset<configuration> asked;

  void evaluate(amq::matrix_view<gene const> genes, amq::matrix_view<double> out) {
    batches.push_back(genes.rows);
    for (index i = 0; i < genes.rows; ++i) asked.emplace(genes.row(i).begin(), genes.row(i).end());
    choice_knapsack::evaluate(genes, out);
  }
};
static_assert(amq::optimizer<amq::local_search, watched>);

TEST_CASE("every neighbour of every individual of the result was looked at, none twice", "[local_search]") {
  watched problem(5, 1);
  random_stream random(1);
  auto const result = amq::local_search({.evaluations = 5000, .batch = 16}).minimize(problem, {}, random);
  CHECK(std::set<configuration>(problem.asked.begin(), problem.asked.end()).size() == problem.asked.size());
  CHECK(*std::ranges::max_element(problem.batches) <= 16);
  CHECK(amq::testing::reached(problem, result.objectives) > 0.999);
  std::vector<int> const levels(5, 4);
  for (index i = 0; i < result.genes.rows(); ++i)
    for (auto const& moves :
         {amq::single_steps(result.genes.row(i), levels), amq::pair_exchanges(result.genes.row(i), levels)})
      for (auto const move : moves) {
        configuration neighbour(result.genes.row(i).begin(), result.genes.row(i).end());
        move.apply(neighbour);
        REQUIRE(problem.asked.count(neighbour) == 1);
      }
}

TEST_CASE("without exchanges local search sees single steps only", "[local_search]") {
  watched problem(6, 2);
  random_stream random(2);
  matrix<gene> const start(1, 6);
  amq::local_search({.evaluations = 13, .exchanges = false}).minimize(problem, start, random);
  for (auto const& genes : problem.asked) CHECK(std::ranges::count(genes, 0) >= 4);
}

TEST_CASE("the budget of evaluations holds exactly, and the front no more than it may keep", "[local_search]") {
  watched problem(30, 3);
  random_stream random(3);
  amq::local_search const search({.evaluations = 333, .batch = 50, .keep = 10});
  auto const result = search.minimize(problem, {}, random);
  CHECK(problem.asked.size() == 333);
  CHECK(result.genes.rows() <= 10);
  CHECK(std::ssize(amq::front_indices(result.objectives)) == result.genes.rows());
  watched large(30, 3);
  matrix<gene> start(60, 30);
  for (index i = 0; i < 60; ++i) start(i, i / 2) = static_cast<gene>(1 + i % 2);
  amq::local_search({.evaluations = 20, .batch = 25}).minimize(large, start, random);
  CHECK(large.batches == std::vector<index>{25, 25, 10});  // the start counts in any case
}

TEST_CASE("one seed, one result", "[local_search]") {
  std::vector<std::vector<gene>> runs;
  for (int run = 0; run < 2; ++run) {
    watched problem(20, 4);
    random_stream random(4);
    auto const result = amq::local_search({.evaluations = 500}).minimize(problem, {}, random);
    runs.emplace_back(result.genes.data(), result.genes.data() + result.genes.size());
  }
  CHECK(runs[0] == runs[1]);
}

TEST_CASE("nothing to choose, nothing to search", "[local_search]") {
  random_stream random(5);
  watched none(0, 1);
  CHECK(amq::local_search{}.minimize(none, {}, random).genes.rows() == 1);
  CHECK_THROWS_AS(amq::local_search({.evaluations = 0}), amq::precondition_error);
  CHECK_THROWS_AS(amq::local_search({.batch = 0}), amq::precondition_error);
  CHECK_THROWS_AS(amq::local_search({.keep = 0}), amq::precondition_error);
  CHECK_THROWS_AS(amq::local_search({.moves = 0}), amq::precondition_error);
}

}  // namespace
