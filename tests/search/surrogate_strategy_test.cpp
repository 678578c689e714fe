// AMQ's strategy: what it asks for, that the repaired one never stalls, and that it finds better fronts than chance.
#include "amq/search/surrogate_strategy.hpp"

#include <set>

#include "amq/search/memory_archive.hpp"
#include "amq/search/presets/amq.hpp"
#include "amq/search/presets/amq_as_released.hpp"
#include "amq/search/search.hpp"
#include "support/catch.hpp"
#include "support/landscape.hpp"

namespace {

using amq::configuration;
using amq::gene;
using amq::index;
using amq::memory_archive;
using amq::testing::landscape;
using amq::testing::landscape_evaluator;
using amq::testing::landscape_space;

void measure(memory_archive& archive, amq::format_space const& space, std::vector<configuration> const& batch,
             amq::phase phase = amq::phase::search) {
  landscape const model(space.size(), 3);
  for (auto const& genes : batch)
    archive.record({.configuration = genes,
                    .average_bits = space.average_bits(genes),
                    .loss = model.loss(genes),
                    .sequence_losses = {},
                    .phase = phase});
}

/// For strategies that are given an archive to go on from.
amq::amq_design_options const no_design{.initial = 0, .sensitivities = false};

TEST_CASE("a batch is new, in the space, without repetition and of the size asked for", "[strategy]") {
  auto const space = landscape_space(30).pin(std::vector<index>{4, 13});
  memory_archive archive;
  amq::random_stream random(1);
  measure(archive, space, amq::random_design(space, archive, 60, random));
  measure(archive, space, {configuration(30, gene{0})});  // not in the space: pinned layers are low
  auto strategy = amq::make_amq_strategy(space, no_design);
  auto const batch = strategy.ask(archive, 50, random);
  CHECK(batch.size() == 50);
  CHECK(std::set(batch.begin(), batch.end()).size() == 50);
  for (auto const& genes : batch) {
    CHECK(space.contains(genes));
    CHECK_FALSE(archive.contains(genes));
  }
}

TEST_CASE("what is asked depends on archive, n and random alone", "[strategy]") {
  auto const space = landscape_space(30);
  memory_archive archive;
  amq::random_stream random(2);
  measure(archive, space, amq::random_design(space, archive, 40, random));
  auto used = amq::make_amq_strategy(space, no_design);
  for (int i = 0; i < 3; ++i) measure(archive, space, used.ask(archive, 20, random));
  auto fresh = amq::make_amq_strategy(space, no_design);
  amq::random_stream first(9), second(9);
  CHECK(used.ask(archive, 20, first) == fresh.ask(archive, 20, second));
}

TEST_CASE("sensitivities train the predictor only where asked to", "[strategy]") {
  auto const space = landscape_space(12);
  memory_archive archive;
  amq::random_stream random(3);
  measure(archive, space, amq::sensitivity_configurations(space), amq::phase::sensitivity);
  auto const coefficients = [&](bool learn) {
    amq::surrogate_strategy<amq::rbf<>, amq::nsga2<>> strategy(space, {.learn_from_sensitivities = learn}, amq::rbf<>{},
                                                               amq::nsga2<>{}, amq::spread_infill{},
                                                               amq::amq_design(no_design));
    strategy.ask(archive, 5, random);
    return strategy.predictor().coefficients().size();
  };
  CHECK(coefficients(true) == 1 + 12 + 12);
  measure(archive, space, {configuration(12, gene{1})});
  CHECK(coefficients(false) == 1 + 12 + 1);
}

TEST_CASE("what is outside the pinned space does not train the predictor", "[strategy]") {
  auto const space = landscape_space(12).pin(std::vector<index>{3});
  memory_archive archive;
  amq::random_stream random(6);
  measure(archive, space, amq::random_design(space, archive, 9, random));
  measure(archive, space, {configuration(12, gene{0}), configuration(12, gene{1})});
  auto strategy = amq::make_amq_strategy(space, no_design);
  strategy.ask(archive, 5, random);
  CHECK(strategy.predictor().coefficients().size() == 1 + 11 + 9);
}

TEST_CASE("the repaired strategy exhausts a space, the released one returns what it finds", "[strategy]") {
  auto const space = landscape_space(5);
  memory_archive archive;
  amq::random_stream random(4);
  measure(archive, space, amq::uniform_configurations(space));
  auto repaired = amq::make_amq_strategy(space, no_design, {.population = 20, .generations = 5});
  while (archive.evaluations().size() < 243) {
    auto const batch = repaired.ask(archive, 25, random);
    REQUIRE(batch.size() == std::min<std::size_t>(25, 243 - archive.evaluations().size()));
    measure(archive, space, batch);
  }
  CHECK(repaired.ask(archive, 25, random).empty());
  CHECK(amq::make_amq_as_released_strategy(space, no_design, {.population = 20, .generations = 5})
            .ask(archive, 25, random)
            .empty());

  memory_archive uniform;
  measure(uniform, space, amq::uniform_configurations(space));
  auto const found = amq::make_amq_as_released_strategy(space, no_design, {.population = 20, .generations = 5})
                         .ask(uniform, 25, random);
  CHECK((!found.empty() && found.size() < 25));
}

TEST_CASE("without anything measured, and with failures only, the batch is random", "[strategy]") {
  auto const space = landscape_space(8);
  auto strategy = amq::make_amq_strategy(space, no_design);
  amq::random_stream random(5);
  memory_archive archive;
  CHECK(strategy.ask(archive, 7, random).size() == 7);
  archive.record({.configuration = configuration(8, gene{0}),
                  .loss = std::numeric_limits<double>::infinity(),
                  .sequence_losses = {}});
  CHECK(strategy.ask(archive, 7, random).size() == 7);
}

/// Raw hypervolume after `evaluations`, mean over three seeds.
template <class MakeStrategy>
double quality(index evaluations, MakeStrategy const& make) {
  auto const space = landscape_space(40);
  double total = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    landscape_evaluator evaluator(landscape(40, 3));
    memory_archive archive;
    amq::run_search(space, evaluator, archive, make,
                    {.seed = seed, .budget = {.evaluations = evaluations, .initial = 80, .candidates = 20}});
    total += amq::normalised_hypervolume(archive.evaluations(), *amq::find_frame(space, archive), amq::loss_scale::raw);
  }
  return total / 3;
}

struct random_strategy {
  amq::format_space space;
  std::vector<configuration> ask(memory_archive const& measured, index n, amq::random_stream& random) {
    return amq::random_design(space, measured, n, random);
  }
  void tell(std::span<configuration const>, std::span<double const>) {}
};

TEST_CASE("both presets find far better fronts than random search, and about the same", "[strategy]") {
  double const by_chance = quality(300, [](amq::format_space const& s) { return random_strategy{s}; });
  double const released = quality(300, [](auto const& s, auto const& b) {
    return amq::make_amq_as_released_strategy(s, {.initial = b.initial, .odds = amq::choice_odds::released});
  });
  double const repaired =
      quality(300, [](auto const& s, auto const& b) { return amq::make_amq_strategy(s, {.initial = b.initial}); });
  INFO("random " << by_chance << ", as released " << released << ", repaired " << repaired);
  CHECK(released > by_chance + 0.05);
  CHECK(repaired > by_chance + 0.05);
  CHECK(std::abs(repaired - released) < 0.01);
}

}  // namespace
