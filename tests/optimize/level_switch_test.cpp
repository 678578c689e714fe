// What rises must fall: sums of levels stay, and everything that can happen does.
#include "amq/optimize/level_switch.hpp"

#include <map>
#include <numeric>

#include "support/catch.hpp"

namespace {

using amq::configuration;
using amq::index;
using amq::random_stream;

int sum(configuration const& genes) { return std::accumulate(genes.begin(), genes.end(), 0); }

TEST_CASE("a level switch raises one gene and lowers another, all pairs equally often", "[level_switch]") {
  random_stream random(1);
  std::vector<int> const levels{3, 3, 3, 1};
  std::map<configuration, int> seen;
  for (int i = 0; i < 4000; ++i) {
    configuration genes{0, 1, 2, 0};
    REQUIRE(amq::switch_levels(genes, levels, random));
    ++seen[genes];
  }
  CHECK(seen.size() == 3);
  CHECK(std::abs(seen[{1, 0, 2, 0}] - 1000) < 160);  // up is 0 or 1; of 0, down is 1 or 2; of 1, only 2
  CHECK(std::abs(seen[{1, 1, 1, 0}] - 1000) < 160);
  CHECK(std::abs(seen[{0, 2, 1, 0}] - 2000) < 160);
}

TEST_CASE("where no two genes can switch nothing changes", "[level_switch]") {
  random_stream random(2);
  std::vector<int> const levels{3, 3};
  for (configuration const& stuck : {configuration{0, 0}, configuration{2, 2}}) {
    auto genes = stuck;
    CHECK_FALSE(amq::switch_levels(genes, levels, random));
    CHECK_FALSE(amq::swap_levels(genes, levels, random));
    CHECK(genes == stuck);
  }
  configuration lone{1}, none;
  CHECK_FALSE(amq::switch_levels(lone, std::vector<int>{3}, random));
  CHECK_FALSE(amq::switch_levels(none, {}, random));
  CHECK_FALSE(amq::swap_levels(none, {}, random));
  configuration only_up{1, 0};  // the second can rise only; the first could, but must fall
  for (int i = 0; i < 20; ++i) {
    auto genes = only_up;
    CHECK(amq::switch_levels(genes, levels, random));
    CHECK(genes == configuration{0, 1});
  }
}

TEST_CASE("a swap exchanges two different genes that both may have the other's level", "[level_switch]") {
  random_stream random(3);
  std::vector<int> const levels{3, 3, 2};
  std::map<configuration, int> seen;
  for (int i = 0; i < 3000; ++i) {
    configuration genes{2, 1, 0};
    seen[amq::swap_levels(genes, levels, random) ? genes : configuration{}] += 1;
  }
  CHECK(seen.size() == 2);  // 2 <-> 0 is not possible: the third variable has two levels
  CHECK(seen.count({1, 2, 0}) == 1);
  CHECK(seen.count({2, 0, 1}) == 1);
  CHECK(seen[{1, 2, 0}] > 1300);
}

TEST_CASE("moves in pairs keep the sum and stay between the parents", "[level_switch]") {
  random_stream random(4);
  configuration const from{0, 3, 1, 2, 2}, to{2, 0, 1, 3, 1};
  configuration child = from;
  amq::move_in_pairs(child, to, 0, random);
  CHECK(child == from);
  bool moved_two = false;
  for (int i = 0; i < 200; ++i) {
    child = from;
    amq::move_in_pairs(child, to, 1, random);
    CHECK(sum(child) == sum(from));
    CHECK(child[2] == 1);
    CHECK(child != from);
    for (std::size_t k = 0; k < 5; ++k) {
      CHECK(child[k] >= std::min(from[k], to[k]));
      CHECK(child[k] <= std::max(from[k], to[k]));
    }
    moved_two = moved_two || child == configuration{2, 1, 1, 3, 1};  // 0 up by two against 1, 3 up against 4
  }
  CHECK(moved_two);
}

TEST_CASE("the policies keep the sum, at their rates", "[level_switch]") {
  random_stream random(5);
  std::vector<int> const levels(40, 4);
  configuration a(40), b(40);
  for (std::size_t k = 0; k < 40; ++k) a[k] = static_cast<amq::gene>(k % 4), b[k] = static_cast<amq::gene>(k / 10);
  index crossed = 0, switched = 0, swapped = 0;
  for (int i = 0; i < 3000; ++i) {
    configuration child(40);
    amq::level_switch_crossover{}(a, b, child, random);
    REQUIRE(sum(child) == sum(a));  // both parents have the same
    crossed += child != a && child != b;
    auto genes = a;
    amq::level_switch_mutation{}(genes, levels, random);
    REQUIRE(sum(genes) == sum(a));
    int distance = 0;
    for (std::size_t k = 0; k < 40; ++k) distance += std::abs(genes[k] - a[k]);
    REQUIRE(distance <= 6);
    switched += genes != a;
    genes = a;
    amq::swap_mutation{}(genes, levels, random);
    swapped += genes != a;
    auto left = genes, right = a;
    std::ranges::sort(left), std::ranges::sort(right);
    REQUIRE(left == right);
  }
  CHECK(std::abs(crossed - 2700) < 90);
  CHECK(std::abs(switched - 300) < 90);
  CHECK(std::abs(swapped - 300) < 90);
}

}  // namespace
