// What is measured first: uniform configurations, layers alone, AMQ's random design.
#include "amq/search/designs.hpp"

#include <set>

#include "amq/search/memory_archive.hpp"
#include "amq/search/unmeasured.hpp"
#include "support/catch.hpp"
#include "support/landscape.hpp"

namespace {

using amq::configuration;
using amq::gene;
using amq::index;

amq::format_space mixed_space() {
  auto const plain = amq::testing::landscape_space(3);
  std::vector<amq::linear_layer> layers(plain.layers().begin(), plain.layers().end());
  return {layers, {{{2, 128}, {3, 128}, {4, 128}}, {{4, 128}}, {{2, 128}, {4, 128}}}, 0};
}

TEST_CASE("uniform configurations go through every choice, pinned and short layers staying at their highest",
          "[designs]") {
  auto const space = mixed_space();
  CHECK(amq::uniform_configurations(space) == std::vector<configuration>{{0, 0, 0}, {1, 0, 1}, {2, 0, 1}});
  auto const pinned = space.pin(std::vector<index>{0});
  CHECK(amq::uniform_configurations(pinned) == std::vector<configuration>{{2, 0, 0}, {2, 0, 1}});
  CHECK(amq::uniform_configurations(pinned.pin(std::vector<index>{2})) == std::vector<configuration>{{2, 0, 1}});
}

TEST_CASE("each variable layer is measured alone", "[designs]") {
  CHECK(amq::sensitivity_configurations(mixed_space()) == std::vector<configuration>{{0, 0, 1}, {2, 0, 0}});
  CHECK(amq::variable_layers(mixed_space()) == std::vector<index>{0, 2});
}

TEST_CASE("the initial design is uniform first, then new random configurations within the pins", "[designs]") {
  auto const space = amq::testing::landscape_space(20).pin(std::vector<index>{3, 7});
  amq::memory_archive measured;
  measured.record({.configuration = amq::uniform_configuration(space, 1), .sequence_losses = {}});
  amq::random_stream random(1);
  auto const design = amq::random_design(space, measured, 300, random);
  REQUIRE(design.size() == 300);
  CHECK(design[0] == amq::uniform_configuration(space, 0));
  CHECK(design[1] == amq::uniform_configuration(space, 2));
  CHECK(std::set(design.begin(), design.end()).size() == 300);
  index lowest = 0, highest = 0;
  for (auto const& genes : design) {
    CHECK(space.contains(genes));
    CHECK_FALSE(measured.contains(genes));
    auto const low = std::count(genes.begin(), genes.end(), 0), high = std::count(genes.begin(), genes.end(), 2);
    lowest += low > 10;
    highest += high > 12;
  }
  // Random probabilities for each configuration spread the sizes: with equal ones these were 4 of 300 each.
  CHECK(lowest >= 20);
  CHECK(highest >= 20);

  // The released code's odds crowd around equal ones, so its extremes are rarer.
  index released = 0;
  auto const layers = amq::variable_layers(space);
  for (int i = 0; i < 300; ++i) {
    auto const genes = amq::draw_configuration(space, layers, random, amq::choice_odds::released);
    released += std::count(genes.begin(), genes.end(), 0) > 10;
  }
  CHECK(2 * released < 3 * lowest);
  CHECK(released >= 4);
  CHECK(amq::random_design(space, measured, 0, random).empty());
  CHECK(amq::random_design(space, measured, -3, random).empty());
}

TEST_CASE("a design in a small space ends", "[designs]") {
  auto const space = amq::testing::landscape_space(2);
  amq::random_stream random(2);
  CHECK(amq::random_design(space, amq::memory_archive{}, 50, random).size() == 9);
}

TEST_CASE("neighbours differ by one choice in one variable layer", "[designs]") {
  auto const space = amq::testing::landscape_space(3).pin(std::vector<index>{1});
  std::vector<configuration> const centres{{1, 2, 0}};
  amq::random_stream random(3);
  auto const known = [](std::span<gene const> genes) { return genes[0] == 2; };
  auto const around = amq::unmeasured_neighbours(space, centres, known, 10, random);
  CHECK(around == std::vector<configuration>{{0, 2, 0}, {1, 2, 1}});
  CHECK(amq::unmeasured_neighbours(space, centres, known, 1, random).size() == 1);
}

TEST_CASE("anything left is found in small and in large spaces", "[designs]") {
  amq::random_stream random(4);
  auto const small = amq::testing::landscape_space(4);
  auto const last = configuration{2, 1, 0, 2};
  auto const all_but_one = [&](std::span<gene const> genes) { return !std::ranges::equal(genes, last); };
  CHECK(amq::unmeasured_anywhere(small, all_but_one, 80, 5, random) == std::vector<configuration>{last});
  auto const none = [](std::span<gene const>) { return false; };
  auto const everything = amq::unmeasured_anywhere(small, none, 0, 1000, random);
  CHECK(std::set(everything.begin(), everything.end()).size() == 81);
  auto const large = amq::testing::landscape_space(60).pin(std::vector<index>{0});
  auto const some = amq::unmeasured_anywhere(large, none, 0, 30, random);
  CHECK(std::set(some.begin(), some.end()).size() == 30);
  for (auto const& genes : some) CHECK(large.contains(genes));
}

}  // namespace
