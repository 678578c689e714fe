// NSGA-II and MOEA/D on problems whose fronts are known, and beside pagmo2's NSGA-II where that is installed.
#include "optimize/known_fronts.hpp"

#include "amq/optimize/local_search.hpp"
#include "amq/optimize/moead.hpp"
#include "amq/optimize/nsga2.hpp"
#include "optimize/pagmo_peer.hpp"
#include "support/catch.hpp"

namespace {

using amq::index;
using amq::testing::choice_knapsack;
using amq::testing::dtlz2;
using amq::testing::reached;
using amq::testing::zdt;

amq::nsga2<> nsga2_of(index population, index generations) {
  return amq::nsga2<>({.population = population, .generations = generations}, {}, {.probability = 1});
}

template <class Decomposition = amq::tchebycheff>
amq::moead<Decomposition> moead_of(index population, index generations) {
  return amq::moead<Decomposition>({.population = population, .generations = generations}, {}, {}, {.probability = 1});
}

template <class Optimizer, class Problem>
double mean_reached(Optimizer const& optimizer, Problem const& problem) {
  return (reached(optimizer, problem, 1) + reached(optimizer, problem, 2) + reached(optimizer, problem, 3)) / 3;
}

TEST_CASE("the exact fronts are what they should be", "[known_fronts]") {
  choice_knapsack const problem(6, 4);
  auto const best = problem.best_points();
  amq::matrix<amq::gene> all(4096, 6);
  for (index i = 0; i < 4096; ++i)
    for (index v = 0; v < 6; ++v) all(i, v) = static_cast<amq::gene>(i >> (2 * v) & 3);
  amq::matrix<double> objectives(4096, 2);
  problem.evaluate(all, objectives);
  CHECK(reached(problem, objectives) == Approx(1).epsilon(1e-12));
  for (index i = 0; i < 4096; ++i) {
    auto const weight = std::lround(objectives(i, 1) * static_cast<double>(best.rows() - 1));
    REQUIRE(objectives(i, 0) >= best(weight, 0) - 1e-12);
  }
  CHECK(zdt{1}.best_hypervolume() == Approx(1.21 - 1.0 / 3).margin(3e-3));
  CHECK(zdt{2}.best_hypervolume() == Approx(1.21 - 2.0 / 3).margin(4e-3));
}

TEST_CASE("nsga2 reaches the fronts of ZDT, DTLZ2 and a knapsack", "[known_fronts][nsga2]") {
  CHECK(mean_reached(nsga2_of(100, 250), zdt{1}) > 0.95);
  CHECK(mean_reached(nsga2_of(100, 250), zdt{2}) > 0.86);
  CHECK(mean_reached(nsga2_of(100, 250), zdt{3}) > 0.97);
  CHECK(mean_reached(nsga2_of(105, 150), dtlz2{}) > 0.87);
  CHECK(mean_reached(nsga2_of(100, 150), choice_knapsack(50, 1)) > 0.945);
}

TEST_CASE("moead reaches the fronts of ZDT, DTLZ2 and a knapsack", "[known_fronts][moead]") {
  CHECK(mean_reached(moead_of(100, 250), zdt{1}) > 0.93);
  CHECK(mean_reached(moead_of(100, 250), zdt{2}) > 0.77);
  CHECK(mean_reached(moead_of(100, 250), zdt{3}) > 0.94);
  CHECK(mean_reached(moead_of(105, 150), dtlz2{}) > 0.87);
  CHECK(mean_reached(moead_of<amq::boundary_intersection>(105, 150), dtlz2{}) > 0.91);
  CHECK(mean_reached(moead_of(100, 150), choice_knapsack(50, 1)) > 0.935);
  CHECK(mean_reached(moead_of<amq::weighted_sum>(100, 150), choice_knapsack(50, 1)) > 0.965);
}

TEST_CASE("a weighted sum finds the ends of a concave front only", "[known_fronts][moead]") {
  CHECK(mean_reached(moead_of<amq::weighted_sum>(100, 250), zdt{2}) < 0.5);
}

TEST_CASE("local search polishes what nsga2 left", "[known_fronts][local_search]") {
  choice_knapsack problem(50, 1);
  for (std::uint64_t const seed : {1U, 2U, 3U}) {
    amq::random_stream random(seed);
    auto const start = nsga2_of(100, 60).minimize(problem, {}, random);
    auto const polished = amq::local_search({.evaluations = 9000, .keep = 100}).minimize(problem, start.genes, random);
    CHECK(reached(problem, polished.objectives) > reached(problem, start.objectives) + 0.01);
    CHECK(reached(problem, polished.objectives) > 0.94);
  }
}

#if AMQ_TESTS_PAGMO
template <class Problem>
double pagmo_reached(Problem const& problem, unsigned population, unsigned generations) {
  amq::testing::peer_problem const peer{problem.variables(), problem.levels(0), problem.objectives(),
                                        [&](auto genes, auto objectives) { problem.evaluate(genes, objectives); }};
  double total = 0;
  for (unsigned const seed : {1U, 2U, 3U})
    total += reached(problem, amq::testing::pagmo_nsga2(peer, population, generations, seed));
  return total / 3;
}

TEST_CASE("nsga2 and moead are no worse than pagmo2's NSGA-II", "[known_fronts][pagmo]") {
  for (int const number : {1, 2, 3}) {
    double const theirs = pagmo_reached(zdt{number}, 100, 250);
    INFO("ZDT" << number << ", pagmo2 " << theirs);
    CHECK(mean_reached(nsga2_of(100, 250), zdt{number}) > theirs - 0.005);
  }
  double const sphere = pagmo_reached(dtlz2{}, 104, 150);
  CHECK(mean_reached(nsga2_of(105, 150), dtlz2{}) > sphere - 0.01);
  CHECK(mean_reached(moead_of<amq::boundary_intersection>(105, 150), dtlz2{}) > sphere);
  double const knapsack = pagmo_reached(choice_knapsack(50, 1), 100, 150);
  CHECK(mean_reached(nsga2_of(100, 150), choice_knapsack(50, 1)) > knapsack);
  CHECK(mean_reached(moead_of<amq::weighted_sum>(100, 150), choice_knapsack(50, 1)) > knapsack);
}
#else
TEST_CASE("nsga2 and moead are no worse than pagmo2's NSGA-II", "[known_fronts][pagmo]") {
  WARN("skipped: pagmo2 is not installed (libpagmo-dev)");
}
#endif

}  // namespace
