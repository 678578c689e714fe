// The optimizers knapsack and local_knapsack on problems small enough to know their whole front.
#include "amq/optimize/knapsack.hpp"

#include "amq/optimize/local_knapsack.hpp"
#include "optimize/sized_problem.hpp"
#include "support/catch.hpp"

namespace {

using amq::configuration;
using amq::gene;
using amq::index;
using amq::knapsack;
using amq::local_knapsack;
using amq::local_knapsack_options;
using amq::matrix;
using amq::population;
using amq::random_stream;
using amq::testing::additive_costs;
using amq::testing::sampled_costs;
using amq::testing::sized_costs;

static_assert(amq::optimizer<knapsack, additive_costs>);
static_assert(!amq::optimizer<knapsack, sized_costs>);
static_assert(amq::optimizer<local_knapsack, sized_costs>);

local_knapsack_options const few{
    .sizes = 20, .centres = 5, .local_sizes = 7, .reach = 0.1, .polish_rounds = 3, .offspring = 40};
local_knapsack_options const enough{.sizes = 100, .rounds = 3, .reach = 0.1};

/// All that there is to say about any result: evaluated as it says, in range.
template <class Problem>
void check_evaluated(Problem const& problem, population const& found) {
  REQUIRE(found.genes.rows() == found.objectives.rows());
  for (index i = 0; i < found.genes.rows(); ++i) {
    for (index v = 0; v < problem.variables(); ++v) REQUIRE(found.genes(i, v) < problem.levels(v));
    REQUIRE(problem.asked.contains(configuration(found.genes.row(i).begin(), found.genes.row(i).end())));
    REQUIRE(std::ranges::equal(found.objectives.row(i), problem.objectives_of(found.genes.row(i))));
  }
}

TEST_CASE("knapsack finds the whole front of a sum", "[knapsack]") {
  additive_costs problem(8, 1);
  random_stream random(1);
  auto const found = knapsack({.sizes = 300}).minimize(problem, {}, random);
  CHECK(found.genes.rows() == 300);
  check_evaluated(problem, found);
  CHECK(problem.reached(found.objectives) == Approx(1).epsilon(1e-12));
  CHECK(std::ranges::all_of(found.genes.row(0), [](gene g) { return g == 0; }));
  for (index v = 0; v < 8; ++v) CHECK(found.genes(299, v) == problem.levels(v) - 1);
  for (index i = 1; i < 300; ++i) CHECK(found.objectives(i, 0) <= found.objectives(i - 1, 0));
}

TEST_CASE("knapsack spreads its sizes evenly, one size is the smallest", "[knapsack]") {
  additive_costs problem(8, 1);
  random_stream random(1);
  auto const three = knapsack({.sizes = 3}).minimize(problem, {}, random);
  double const middle = (three.objectives(0, 1) + three.objectives(2, 1)) / 2;
  CHECK(three.objectives(1, 1) <= middle + 1e-9);
  CHECK(three.objectives(1, 1) > middle - 0.5);
  auto const one = knapsack({.sizes = 1}).minimize(problem, {}, random);
  CHECK((one.genes.rows() == 1 && std::ranges::equal(one.genes.row(0), three.genes.row(0))));
  CHECK_THROWS_AS(knapsack({.sizes = 0}), amq::precondition_error);
}

/// Some configurations far from the front.
matrix<gene> random_start(sized_costs const& problem, index count) {
  random_stream random(9);
  matrix<gene> genes(count, problem.variables());
  for (index i = 0; i < count; ++i)
    for (index v = 0; v < genes.cols(); ++v) genes(i, v) = static_cast<gene>(random.below(problem.levels(v)));
  return genes;
}

double reached_by(sized_costs& problem, matrix<gene> const& genes) {
  matrix<double> objectives(genes.rows(), 2);
  problem.evaluate(genes, objectives);
  return problem.reached(objectives);
}

TEST_CASE("local_knapsack reaches a known front whether costs add up, nearly do, or are not known",
          "[local_knapsack]") {
  auto const check = [](auto problem, double from_start, double at_least) {
    auto const start = random_start(problem, 12);
    CHECK(reached_by(problem, start) < from_start);
    problem.asked.clear();
    random_stream random(3);
    auto const found = local_knapsack(enough).minimize(problem, start, random);
    check_evaluated(problem, found);
    CHECK(problem.reached(found.objectives) > at_least);
    CHECK(problem.asked.size() < 2000);  // of 13,824
  };
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    INFO("seed " << seed);
    check(sized_costs(9, seed), 0.95, 0.99);
    check(sized_costs(9, seed, 0.5), 0.95, 0.99);
    check(additive_costs(9, seed), 0.95, 0.999);
    check(additive_costs(9, seed, 0.5), 0.95, 0.999);
    check(sampled_costs(9, seed, 0.5), 0.95, 0.999);
  }
}

TEST_CASE("local rounds better what additive costs alone give where neighbours interfere", "[local_knapsack]") {
  additive_costs problem(9, 2, 3);
  random_stream random(1);
  auto const additive = knapsack({.sizes = few.sizes}).minimize(problem, {}, random);
  auto only_local = few;
  only_local.polish_rounds = 0;
  auto const local = local_knapsack(only_local).minimize(problem, {}, random);
  auto only_polish = few;
  only_polish.rounds = 0;
  auto const polished = local_knapsack(only_polish).minimize(problem, {}, random);
  INFO("additive " << problem.reached(additive.objectives) << ", local " << problem.reached(local.objectives)
                   << ", polished " << problem.reached(polished.objectives));
  CHECK(problem.reached(local.objectives) > problem.reached(additive.objectives) + 0.002);
  CHECK(problem.reached(polished.objectives) > problem.reached(additive.objectives) + 0.002);
}

TEST_CASE("local_knapsack returns its start, nothing twice, and the same for one seed", "[local_knapsack]") {
  auto const run = [](std::uint64_t seed) {
    sampled_costs problem(9, 4, 0.5);
    random_stream random(seed);
    return local_knapsack(few).minimize(problem, random_start(problem, 5), random);
  };
  auto const first = run(1), again = run(1), other = run(2);
  auto const rows = [](population const& p) {
    std::vector<configuration> all;
    for (index i = 0; i < p.genes.rows(); ++i) all.emplace_back(p.genes.row(i).begin(), p.genes.row(i).end());
    return all;
  };
  auto const members = rows(first);
  std::set<configuration> const distinct(members.begin(), members.end());
  CHECK(distinct.size() == members.size());
  auto const start = random_start(sized_costs(9, 4), 5);
  for (index i = 0; i < 5; ++i) CHECK(distinct.contains(configuration(start.row(i).begin(), start.row(i).end())));
  CHECK(members == rows(again));
  CHECK(members != rows(other));
}

TEST_CASE("draws from the posterior join the set", "[local_knapsack]") {
  auto options = few;
  options.rounds = options.polish_rounds = 0;
  auto const members = [&](auto problem) {
    random_stream random(1);
    return local_knapsack(options).minimize(problem, {}, random).genes.rows();
  };
  CHECK(members(sampled_costs(9, 1)) > members(additive_costs(9, 1)));
  options.draws = 0;
  CHECK(members(sampled_costs(9, 1)) == members(additive_costs(9, 1)));
}

/// Nothing to choose but which of `levels` one variable has.
struct one_variable {
  int choices;
  index variables() const { return 1; }
  int levels(index) const { return choices; }
  index objectives() const { return 2; }
  matrix<double> sizes() const {
    matrix<double> sizes(1, choices);
    for (int level = 0; level < choices; ++level) sizes(0, level) = level;
    return sizes;
  }
  void evaluate(amq::matrix_view<gene const> genes, amq::matrix_view<double> out) const {
    for (index i = 0; i < genes.rows; ++i) {
      out(i, 0) = -1.0 * genes(i, 0);  // no logarithm of that
      out(i, 1) = genes(i, 0);
    }
  }
};

struct nothing_to_choose : one_variable {
  index variables() const { return 0; }
  matrix<double> sizes() const { return {}; }
};

TEST_CASE("local_knapsack on next to nothing", "[local_knapsack]") {
  random_stream random(1);
  one_variable single{1}, several{4};
  CHECK(local_knapsack(few).minimize(single, {}, random).genes.rows() == 1);
  CHECK(local_knapsack(few).minimize(several, {}, random).genes.rows() == 4);
  nothing_to_choose nothing{{1}};
  CHECK(local_knapsack(few).minimize(nothing, {}, random).genes.rows() == 0);
  for (auto const& bad : {local_knapsack_options{.sizes = 1}, {.centres = 0}, {.local_sizes = 0}})
    CHECK_THROWS_AS(local_knapsack(bad), amq::precondition_error);
}

}  // namespace
