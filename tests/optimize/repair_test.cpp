// Ties and budgets: exact where the rule decides, bounded where chance does, refused where nothing fits.
#include "amq/optimize/repair.hpp"

#include <limits>
#include <set>

#include "amq/optimize/nsga2.hpp"
#include "support/catch.hpp"

namespace {

using amq::configuration;
using amq::index;
using amq::matrix;
using amq::random_stream;

constexpr double none = std::numeric_limits<double>::infinity();

matrix<double> table(std::vector<std::vector<double>> const& rows) {
  matrix<double> result(std::ssize(rows), std::ssize(rows[0]));
  for (index i = 0; i < result.rows(); ++i) std::ranges::copy(rows[static_cast<std::size_t>(i)], result.row(i).begin());
  return result;
}

TEST_CASE("tied genes become their lower median, within the fewest levels", "[repair]") {
  std::vector<int> const levels{4, 4, 4, 4, 2, 4};
  std::vector<amq::tied_variables> const groups{{0, 2, 3}, {4, 5}, {}};
  configuration genes{3, 3, 0, 1, 0, 3};
  amq::repair_ties(genes, levels, groups);
  CHECK(genes == configuration{1, 3, 1, 1, 0, 0});
  genes = {3, 0, 3, 3, 1, 3};
  amq::repair_ties(genes, levels, groups);
  CHECK(genes == configuration{3, 0, 3, 3, 1, 1});
  genes = {0, 3, 0, 0, 1, 2};
  amq::repair_ties(genes, levels, std::vector<amq::tied_variables>{{1, 4, 5}});
  CHECK(genes == configuration{0, 1, 0, 0, 1, 1});
}

TEST_CASE("an individual within its budget is left alone, rounding apart", "[repair]") {
  random_stream random(1);
  auto const sizes = table({{0, 0.1, 0.2}, {0, 0.1, 0.2}, {0, 0.1, 0.2}});
  configuration genes{1, 1, 1};
  amq::repair_to_budget(genes, sizes, 0.3, random);  // 0.1 + 0.1 + 0.1 is more than 0.3 in doubles
  CHECK(genes == configuration{1, 1, 1});
  amq::repair_to_budget(genes, sizes, 5, random);
  CHECK(genes == configuration{1, 1, 1});
}

TEST_CASE("genes are lowered at random until the budget holds, and no further", "[repair]") {
  random_stream random(2);
  auto const sizes = table({{0, 1, 3}, {0, 2, none}, {0, 0, 4}});
  std::set<configuration> seen;
  for (int i = 0; i < 200; ++i) {
    configuration genes{2, 1, 2};  // 9
    amq::repair_to_budget(genes, sizes, 6, random);
    seen.insert(genes);
  }
  // All that chains of single steps can end in, stopping as soon as they may.
  CHECK(seen == std::set<configuration>{{1, 0, 2}, {0, 1, 2}, {2, 1, 1}, {2, 0, 1}, {1, 1, 1}});
}

TEST_CASE("levels of equal size are passed over, and the last step may be the only one", "[repair]") {
  random_stream random(3);
  auto const sizes = table({{0, 0, 4}});
  configuration genes{2};
  amq::repair_to_budget(genes, sizes, 0, random);
  CHECK(genes == configuration{1});
}

TEST_CASE("a group is lowered as one", "[repair]") {
  random_stream random(4);
  auto const sizes = table({{0, 1, 2}, {0, 1, 2}, {0, 1, 2}, {0, 1, 2}});
  std::vector<amq::tied_variables> const groups{{0, 3}, {1, 2}};
  for (int i = 0; i < 50; ++i) {
    configuration genes{2, 2, 2, 2};
    amq::repair_to_budget(genes, sizes, 5, groups, random);
    CHECK(genes[0] == genes[3]);
    CHECK(genes[1] == genes[2]);
    CHECK(amq::size_of(genes, sizes) == 4);
  }
}

TEST_CASE("a budget that nothing keeps is refused in a sentence", "[repair]") {
  random_stream random(5);
  auto const sizes = table({{1, 2}, {0.5, 3}});
  configuration genes{1, 1};
  CHECK_THROWS_AS(amq::repair_to_budget(genes, sizes, 1.4, random), amq::input_error);
  CHECK(genes == configuration{1, 1});
  amq::repair_to_budget(genes, sizes, 1.5, random);
  CHECK(genes == configuration{0, 0});
}

/// As many levels as possible, at as little weight: without a budget the front reaches all the way up.
struct heavy {
  index variables() const { return 12; }
  int levels(index) const { return 3; }
  index objectives() const { return 2; }
  void evaluate(amq::matrix_view<amq::gene const> genes, amq::matrix_view<double> out) const {
    for (index i = 0; i < genes.rows; ++i) {
      out(i, 1) = 0;
      for (index v = 0; v < genes.cols; ++v) out(i, 1) += genes(i, v);
      out(i, 0) = 24 - out(i, 1);
    }
  }
};

TEST_CASE("a repaired mutation keeps a whole population within its rules", "[repair][nsga2]") {
  auto sizes = std::make_shared<matrix<double>>(12, 3);
  for (index v = 0; v < 12; ++v)
    for (index level = 0; level < 3; ++level) (*sizes)(v, level) = static_cast<double>(level);
  using mutation = amq::repaired_mutation<amq::reset_mutation>;
  amq::nsga2<amq::binomial_crossover, mutation> const optimizer({.population = 20, .generations = 10}, {},
                                                                {{.probability = 1}, {{0, 1, 2}}, sizes, 10});
  heavy problem;
  random_stream random(6);
  matrix<amq::gene> const start(1, 12);
  auto const result = optimizer.minimize(problem, start, random);
  REQUIRE(result.genes.rows() == 20);
  double most = 0;
  for (index i = 0; i < result.genes.rows(); ++i) {
    CHECK(result.genes(i, 0) == result.genes(i, 1));
    CHECK(result.genes(i, 0) == result.genes(i, 2));
    most = std::max(most, result.objectives(i, 1));
  }
  CHECK(most == 10);
}

}  // namespace
