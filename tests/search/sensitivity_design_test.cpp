// The recipe's initial design, stage by stage, and AMQ's where it must not look at parts; odd spaces and failures.
#include "amq/search/sensitivity_design.hpp"

#include <set>

#include "amq/search/amq_design.hpp"
#include "amq/search/memory_archive.hpp"
#include "support/catch.hpp"
#include "support/fitting_data.hpp"
#include "support/landscape.hpp"

namespace {

using amq::configuration;
using amq::format_space;
using amq::gene;
using amq::index;
using amq::memory_archive;
using amq::phase;
using amq::planned_batch;
using amq::sensitivity_design;
using amq::sensitivity_design_options;
using amq::testing::landscape_space;

static_assert(amq::initial_design<sensitivity_design, format_space, memory_archive>);
static_assert(amq::initial_design<amq::amq_design, format_space, memory_archive>);

/// Each layer adds its weight for a step below its highest choice; 100 layers of weight 1 unless said otherwise.
struct weights {
  std::vector<double> of = std::vector<double>(100, 1.0);
  double loss(configuration const& genes) const {
    double total = 1;
    for (std::size_t l = 0; l < genes.size(); ++l) total += of[l] * (2.0 - genes[l]);
    return 0.001 * total;
  }
};

void measure(memory_archive& archive, format_space const& space, planned_batch const& batch, weights const& model) {
  for (auto const& genes : batch.configurations)
    archive.record({.configuration = genes,
                    .average_bits = space.average_bits(genes),
                    .loss = model.loss(genes),
                    .sequence_losses = {},
                    .phase = batch.phase});
}

struct designed {
  std::vector<planned_batch> batches;
  memory_archive archive;
};

/// All batches of the design, each measured before the next is asked for.
designed run(format_space const& space, sensitivity_design_options const& options = {}, weights const& model = {},
             std::uint64_t seed = 1) {
  designed all;
  amq::random_stream random(seed);
  for (;;) {
    auto batch = sensitivity_design(options).next(space, all.archive, random);
    if (batch.configurations.empty()) return all;
    std::set<configuration> distinct(batch.configurations.begin(), batch.configurations.end());
    REQUIRE(distinct.size() == batch.configurations.size());
    for (auto const& genes : batch.configurations) {
      REQUIRE(space.contains(genes));
      REQUIRE_FALSE(all.archive.contains(genes));
    }
    measure(all.archive, space, batch, model);
    all.batches.push_back(std::move(batch));
    REQUIRE(all.batches.size() < 10);
  }
}

/// Which layers are at their lowest; all others must be at their highest.
std::vector<index> lowered(configuration const& genes) {
  std::vector<index> layers;
  for (std::size_t l = 0; l < genes.size(); ++l) {
    REQUIRE((genes[l] == 0 || genes[l] == 2));
    if (genes[l] == 0) layers.push_back(static_cast<index>(l));
  }
  return layers;
}

std::vector<std::vector<index>> lowered_groups(planned_batch const& batch) {
  std::vector<std::vector<index>> groups;
  for (auto const& genes : batch.configurations) groups.push_back(lowered(genes));
  std::ranges::sort(groups);
  return groups;
}

TEST_CASE("uniform configurations, every layer alone, then optima of what was learnt", "[sensitivity_design]") {
  auto const space = landscape_space(21);
  auto const [batches, archive] = run(space);
  REQUIRE(batches.size() == 3);
  CHECK(batches[0].phase == phase::uniform);
  CHECK(batches[0].configurations == amq::uniform_configurations(space));
  CHECK(batches[1].phase == phase::sensitivity);
  CHECK(batches[1].configurations.size() == 21);
  for (auto const& layers : lowered_groups(batches[1])) CHECK(layers.size() == 1);
  CHECK(batches[2].phase == phase::initial);
  CHECK((batches[2].configurations.size() > 18 && batches[2].configurations.size() <= 24));
  for (auto const& b : batches) CHECK(b.fidelity == 1);
  CHECK(sensitivity_design().pinned(space, archive).empty());
}

TEST_CASE("optima are spread over the bits and keep what hurts high", "[sensitivity_design]") {
  auto const space = landscape_space(21);
  weights model;
  model.of[4] = 40;
  auto const [batches, archive] = run(space, {.optima = 12}, model);
  auto const& optima = batches.back().configurations;
  REQUIRE(optima.size() == 12);
  std::vector<double> places;
  double const lowest = space.average_bits(space.lowest()), range = space.average_bits(space.highest()) - lowest;
  for (auto const& genes : optima) {
    places.push_back((space.average_bits(genes) - lowest) / range);
    if (places.back() > 0.1) CHECK(genes[4] > 0);
    if (places.back() > 0.3) CHECK(genes[4] == 2);
  }
  for (std::size_t k = 0; k < 12; ++k) {
    double const asked = 0.03 + 0.94 * static_cast<double>(k) / 11;
    CHECK((places[k] <= asked + 1e-9 && places[k] > asked - 0.08));
  }
  // Every second one is of perturbed effects, so it changes with the seed.
  auto const others = run(space, {.optima = 12}, model, 2).batches.back().configurations;
  int differing = 0;
  for (std::size_t k = 0; k < 12; ++k) {
    if (k % 2 == 0) CHECK(others[k] == optima[k]);
    differing += others[k] != optima[k];
  }
  CHECK(differing > 2);
  CHECK(run(space, {.optima = 12}, model).batches.back().configurations == optima);
  auto const plain = run(space, {.optima = 12, .perturbation = 0}, model, 1).batches.back().configurations;
  CHECK(run(space, {.optima = 12, .perturbation = 0}, model, 2).batches.back().configurations == plain);
}

TEST_CASE("numbers of optima: none, one", "[sensitivity_design]") {
  auto const space = landscape_space(21);
  CHECK(run(space, {.optima = 0}).batches.size() == 2);
  weights model;
  model.of[4] = 40;
  auto const one = run(space, {.optima = 1}, model).batches.back();
  CHECK((one.phase == phase::initial && one.configurations.size() == 1));
}

TEST_CASE("small budgets measure four neighbouring blocks of one kind together", "[sensitivity_design]") {
  auto const space = landscape_space(70);                                          // ten blocks of seven kinds
  CHECK(run(space, {.evaluations = 467}).batches[1].configurations.size() == 70);  // 15 % of 467 is 70.05
  auto const [batches, archive] = run(space, {.evaluations = 466});
  auto const groups = lowered_groups(batches[1]);
  CHECK(groups.size() == 3 * 7);
  std::set<index> seen;
  for (auto const& members : groups) {
    for (index const layer : members) {
      CHECK(layer % 7 == members[0] % 7);
      CHECK(layer / 28 == members[0] / 28);
      CHECK(seen.insert(layer).second);
    }
  }
  CHECK(seen.size() == 70);
  CHECK(batches[2].phase == phase::initial);  // groups are alike
  CHECK(run(space, {.group = 2}).batches[1].configurations.size() == 5 * 7);
  CHECK(run(space, {.evaluations = 40}).batches[1].configurations.size() == 2 * 7);  // six blocks together
}

TEST_CASE("groups that hurt far more than the median are measured again layer by layer", "[sensitivity_design]") {
  auto const space = landscape_space(70);
  weights model;
  model.of[15] = 30;  // kind 1, with layers 1, 8 and 22
  auto const [batches, archive] = run(space, {.evaluations = 100, .group = 4}, model);
  REQUIRE(batches.size() == 4);
  CHECK(batches[2].phase == phase::sensitivity);
  CHECK(lowered_groups(batches[2]) == std::vector<std::vector<index>>{{1}, {8}, {15}, {22}});
  auto const tolerant = run(space, {.evaluations = 100, .group = 4, .outlier = 20}, model);
  CHECK(tolerant.batches.size() == 3);
}

TEST_CASE("what was measured on a part of the tokens makes no group an outlier", "[sensitivity_design]") {
  auto const space = landscape_space(70);
  sensitivity_design const design({.group = 4});
  memory_archive archive;
  amq::random_stream random(1);
  measure(archive, space, design.next(space, archive, random), {});
  auto const groups = design.next(space, archive, random);
  archive.record({.configuration = groups.configurations[2],
                  .loss = 50,
                  .sequence_losses = {},
                  .phase = phase::sensitivity,
                  .fidelity = 0.25});
  measure(archive, space, groups, {});
  CHECK(design.next(space, archive, random).phase == phase::initial);
}

/// Knows neither blocks nor kinds.
struct bare_space {
  format_space inner = landscape_space(30);
  index size() const { return inner.size(); }
  std::span<amq::format const> choices(index layer) const { return inner.choices(layer); }
  bool pinned(index layer) const { return layer < 2; }
  double average_bits(std::span<gene const> genes) const { return inner.average_bits(genes); }
  std::int64_t model_bytes(std::span<gene const> genes) const { return inner.model_bytes(genes); }
  index feature_count() const { return inner.feature_count(); }
  void features(std::span<gene const> genes, std::span<double> out) const { inner.features(genes, out); }
};

TEST_CASE("spaces without blocks group neighbours, pinned layers stay out", "[sensitivity_design]") {
  bare_space const space;
  sensitivity_design const design({.evaluations = 100});
  memory_archive archive;
  amq::random_stream random(1);
  measure(archive, space.inner, design.next(space, archive, random), {});
  auto const batch = design.next(space, archive, random);
  auto const groups = lowered_groups(batch);
  CHECK(groups.size() == 8);
  CHECK(groups[0] == std::vector<index>{2, 3});
  CHECK(groups[1] == std::vector<index>{4, 5, 6, 7});
  measure(archive, space.inner, batch, {});
  for (auto const& genes : design.next(space, archive, random).configurations) CHECK((genes[0] == 2 && genes[1] == 2));
}

TEST_CASE("small spaces, one choice, everything pinned", "[sensitivity_design]") {
  auto const one = run(landscape_space(1));
  CHECK(one.batches.size() == 1);
  auto const two = run(landscape_space(2));
  CHECK(two.archive.evaluations().size() <= 9);
  auto const fixed = run(landscape_space(5, {{4, 128}}));
  REQUIRE(fixed.batches.size() == 1);
  CHECK(fixed.archive.evaluations().size() == 1);
  auto const space = landscape_space(3);
  auto const pinned = run(space.pin(std::vector<index>{0, 1, 2}));
  CHECK(pinned.archive.evaluations().size() == 1);
  auto const most = run(space.pin(std::vector<index>{0, 2}));
  for (auto const& e : most.archive.evaluations()) CHECK((e.configuration[0] == 2 && e.configuration[2] == 2));
}

TEST_CASE("constant losses and those that could not be measured do not stop the design", "[sensitivity_design]") {
  auto const space = landscape_space(28);
  weights flat;
  std::ranges::fill(flat.of, 0.0);
  CHECK(run(space, {.evaluations = 50}, flat).batches.size() == 3);
  double const infinity = std::numeric_limits<double>::infinity();
  auto const failing = [&](auto const& fails) {
    memory_archive archive;
    amq::random_stream random(1);
    int batches = 0;
    for (; batches < 6; ++batches) {
      auto const batch = sensitivity_design({.evaluations = 50, .group = 2}).next(space, archive, random);
      if (batch.configurations.empty()) break;
      weights const model;
      for (auto const& genes : batch.configurations)
        archive.record({.configuration = genes,
                        .loss = fails(genes) ? infinity : model.loss(genes),
                        .sequence_losses = {},
                        .phase = batch.phase});
    }
    return std::pair(batches, archive.evaluations().size());
  };
  auto const nothing = failing([](configuration const&) { return true; });
  CHECK(nothing == std::pair(2, std::size_t{3 + 14}));
  auto const highest = failing([&](configuration const& genes) { return genes == space.highest(); });
  CHECK((highest.first == 3 && highest.second > 3 + 14));
  auto const layer = failing([](configuration const& genes) { return genes[9] == 0; });
  CHECK((layer.first == 4 && layer.second > 3 + 14 + 2));
}

TEST_CASE("the design is over once it or the search was measured; parts do not count", "[sensitivity_design]") {
  auto const space = landscape_space(21);
  auto [batches, archive] = run(space);
  memory_archive parts;
  for (auto e : archive.evaluations()) {
    e.fidelity = 0.25;
    parts.record(std::move(e));
  }
  amq::random_stream random(1);
  CHECK(sensitivity_design().next(space, parts, random).configurations == batches[0].configurations);
  memory_archive searched;
  for (auto e : archive.evaluations())
    if (e.phase != phase::initial) searched.record(std::move(e));
  CHECK(sensitivity_design().next(space, searched, random).phase == phase::initial);
  searched.record({.configuration = configuration(21, gene{1}), .sequence_losses = {}, .phase = phase::search});
  CHECK(sensitivity_design().next(space, searched, random).configurations.empty());
}

TEST_CASE("AMQ's design pins by whole sensitivities alone, once it has them all", "[amq_design]") {
  auto const space = landscape_space(9);
  weights model;
  model.of[3] = 5;
  amq::amq_design const design({.initial = 20});
  memory_archive archive, parts;
  amq::random_stream random(1);
  measure(archive, space, {phase::uniform, amq::uniform_configurations(space)}, model);
  auto const alone = design.next(space, archive, random);
  CHECK((alone.phase == phase::sensitivity && alone.configurations.size() == 9));
  CHECK(design.pinned(space, archive).empty());
  for (auto const& genes : alone.configurations)
    parts.record({.configuration = genes, .loss = model.loss(genes), .sequence_losses = {}, .fidelity = 0.5});
  CHECK(design.pinned(space, parts).empty());
  measure(archive, space, alone, model);
  CHECK(design.pinned(space, archive) == std::vector<index>{3});
  CHECK(amq::amq_design({.sensitivities = false}).pinned(space, archive).empty());
  auto const initial = design.next(space, archive, random);
  CHECK((initial.phase == phase::initial && initial.configurations.size() == 17));
  for (auto const& genes : initial.configurations) CHECK(genes[3] == 2);
  measure(archive, space, initial, model);
  CHECK(design.next(space, archive, random).configurations.empty());
}

TEST_CASE("AMQ's design searches spaces that cannot pin as they are", "[amq_design]") {
  bare_space const space;
  static_assert(!amq::pinnable_space<bare_space> && amq::pinnable_space<format_space>);
  memory_archive archive;
  amq::random_stream random(1);
  amq::amq_design const design({.initial = 12});
  measure(archive, space.inner, {phase::uniform, amq::uniform_configurations(space)}, {});
  measure(archive, space.inner, design.next(space, archive, random), {});
  CHECK(archive.evaluations().size() == 3 + 28);
  CHECK(design.pinned(space, archive).empty());
  CHECK(design.next(space, archive, random).configurations.size() == 9);
}

}  // namespace
