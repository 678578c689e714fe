// knapsack_strategy: its optima are those of the measured sensitivities, evenly spread.
#include "amq/search/knapsack_strategy.hpp"

#include "amq/search/memory_archive.hpp"
#include "amq/search/search.hpp"
#include "support/catch.hpp"
#include "support/landscape.hpp"

namespace {

using amq::configuration;
using amq::gene;
using amq::index;
using amq::memory_archive;
using amq::testing::landscape_space;

/// Layers that add up; what the middle choice costs is no interpolation of the others.
double additive_loss(std::span<gene const> genes) {
  double total = 0;
  for (std::size_t l = 0; l < genes.size(); ++l) {
    double const costs[] = {1, 0.1 + 0.2 * static_cast<double>(l % 4), 0.04};
    total += (1 + static_cast<double>(l * l % 7)) * costs[genes[l]];
  }
  return 0.01 * total;
}

struct planned {
  memory_archive archive;
  std::vector<configuration> optima;
};

planned plan(amq::format_space const& space, amq::knapsack_strategy_options options, index n) {
  planned p;
  amq::random_stream random(1);
  amq::knapsack_strategy const strategy(space, options);
  for (auto batch = strategy.plan(p.archive, n, random);; batch = strategy.plan(p.archive, n, random)) {
    if (batch.phase == amq::phase::search) {
      p.optima = batch.configurations;
      return p;
    }
    for (auto const& genes : batch.configurations)
      p.archive.record({genes, space.average_bits(genes), 0, additive_loss(genes), {}, batch.phase});
  }
}

TEST_CASE("layers are measured alone at their lowest choice, or at every one", "[knapsack_strategy]") {
  auto const space = landscape_space(7);
  CHECK(plan(space, {}, 5).archive.evaluations().size() == 3 + 7);
  CHECK(plan(space, {.every_choice = true}, 5).archive.evaluations().size() == 3 + 14);
}

TEST_CASE("with every choice measured, optima of an additive loss are the best of their size there are",
          "[knapsack_strategy]") {
  auto const space = landscape_space(7);
  auto const [archive, optima] = plan(space, {.every_choice = true}, 12);
  REQUIRE(optima.size() == 12);
  for (auto const& optimum : optima) {
    double best = 1;
    for (int code = 0; code < 2187; ++code) {
      configuration genes(7);
      for (int l = 0, rest = code; l < 7; ++l, rest /= 3)
        genes[static_cast<std::size_t>(l)] = static_cast<gene>(rest % 3);
      if (space.average_bits(genes) <= space.average_bits(optimum) + 1e-9) best = std::min(best, additive_loss(genes));
    }
    CHECK(additive_loss(optimum) == Approx(best).epsilon(1e-9));
  }
}

TEST_CASE("any number of optima is spread over the sizes", "[knapsack_strategy]") {
  auto const space = landscape_space(40);
  double const low = space.average_bits(space.lowest()), high = space.average_bits(space.highest());
  for (index const n : {4, 9, 30}) {
    auto const [archive, optima] = plan(space, {}, n);
    std::vector<double> bits{low, high};
    for (auto const& genes : optima) bits.push_back(space.average_bits(genes));
    std::ranges::sort(bits);
    double widest = 0;
    for (std::size_t i = 1; i < bits.size(); ++i) widest = std::max(widest, bits[i] - bits[i - 1]);
    INFO(n << " optima, widest gap " << widest / (high - low));
    CHECK(widest < 2.5 / static_cast<double>(n) * (high - low));
  }
}

TEST_CASE("when the optima are used up, neighbours of the front follow", "[knapsack_strategy]") {
  auto const space = landscape_space(5);
  auto p = plan(space, {}, 300);
  CHECK(p.optima.size() == 243 - 3 - 5);  // a small space is filled to its end
  p = plan(space, {}, 40);
  CHECK(p.optima.size() == 40);
}

}  // namespace
