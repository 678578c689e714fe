// evolution: offspring keep their target's size across layers of different sizes, and stages sieve them.
#include "amq/search/evolution.hpp"

#include "amq/search/memory_archive.hpp"
#include "amq/search/random_search.hpp"
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

struct partial_landscape : landscape_evaluator {
  using landscape_evaluator::landscape_evaluator;
  void evaluate_part(std::span<configuration const> batch, double fidelity, std::span<amq::measurement> out) {
    evaluate(batch, out);
    for (auto& m : out) m.loss *= 2 - fidelity;  // in the same order as whole ones
  }
};
/// Behind a wrapper that knows at run time only.
struct wrapped_evaluator : partial_landscape {
  using partial_landscape::partial_landscape;
  bool parts = false;
  index count = 0;
  bool measures_parts() const { return parts; }
  index sequences() const { return count; }
};

index differences(configuration const& a, configuration const& b) {
  index differing = 0;
  for (std::size_t l = 0; l < a.size(); ++l) differing += a[l] != b[l];
  return differing;
}

TEST_CASE("changes keep the size within the tolerance, whatever the layers' sizes", "[evolution]") {
  auto const space = landscape_space(30).pin(std::vector<index>{4});
  amq::detail::size_keeping const sizes(space, 0.002);
  CHECK(sizes.total() == Approx(space.average_bits(space.highest()) - space.average_bits(space.lowest())));
  CHECK(sizes.tolerance() < 0.05 * sizes.total());
  amq::random_stream random(1);
  for (double const share : {0.1, 0.5, 0.93}) {
    double const target = share * sizes.total();
    auto genes = space.lowest();
    sizes.settle(genes, target, random);
    index changed = 0, in_pairs = 0;
    for (int k = 0; k < 300; ++k) {
      auto const before = genes;
      sizes.switch_levels(genes, target, random);
      changed += genes != before;
      in_pairs += differences(genes, before) == 2;
      REQUIRE(space.contains(genes));
      double const size = space.average_bits(genes) - space.average_bits(space.lowest());
      REQUIRE(size == Approx(sizes.size_of(genes)).epsilon(1e-9));
      REQUIRE(std::abs(size - target) <= sizes.tolerance() * (1 + 1e-9));
    }
    CHECK(changed > 280);
    CHECK(in_pairs > 250);  // a partner of about the same size is preferred
  }
}

TEST_CASE("offspring are a few switches away from the best of their size", "[evolution]") {
  auto const space = landscape_space(40);
  landscape const model(40, 3);
  memory_archive archive;
  amq::random_stream random(2);
  auto const record = [&](configuration const& genes) {
    archive.record({genes, space.average_bits(genes), 0, model.loss(genes), {}});
  };
  for (auto const& genes : amq::uniform_configurations(space)) record(genes);
  amq::evolution const strategy(space, {.offspring = 6, .targets = 1, .most_switches = 1});
  auto const first = strategy.ask(archive, 6, random);
  REQUIRE(first.size() == 6);
  for (auto const& genes : first) record(genes);
  configuration parent = configuration(40, gene{1});  // half way, where the only target is
  for (auto const& genes : first) {
    CHECK(differences(genes, parent) <= 8);
    if (model.loss(genes) < model.loss(parent)) parent = genes;
  }
  for (auto const& genes : strategy.ask(archive, 6, random)) CHECK(differences(genes, parent) <= 8);
}

TEST_CASE("stages: all offspring on a few tokens, survivors on more, the best on all", "[evolution]") {
  auto const space = landscape_space(30);
  partial_landscape evaluator(landscape(30, 3));
  memory_archive archive;
  auto const make = [](amq::format_space const& s) {
    return amq::evolution(s, {.offspring = 16, .stages = {{0.125, 4}, {0.5, 2}}, .targets = 4});
  };
  amq::run_search(space, evaluator, archive, make,
                  {.seed = 3, .budget = {.evaluations = 3 + 6 * 4, .initial = 1, .candidates = 10}});
  auto const all = archive.evaluations();
  REQUIRE(all.size() == 3 + 4 * (16 + 4 + 2));
  std::size_t at = 3;
  for (int generation = 0; generation < 4; ++generation) {
    for (auto const& [size, fidelity] : {std::pair<std::size_t, double>(16, 0.125), {4, 0.5}, {2, 1.0}}) {
      std::vector<double> losses, before;
      for (std::size_t i = 0; i < size; ++i) {
        CHECK(all[at + i].fidelity == fidelity);
        losses.push_back(all[at + i].loss / (2 - fidelity));
      }
      if (fidelity > 0.125) {  // the least of the stage before, best first
        std::size_t const earlier = fidelity == 0.5 ? 16 : 4;
        for (std::size_t i = 0; i < earlier; ++i)
          before.push_back(all[at - earlier + i].loss / (2 - all[at - 1].fidelity));
        std::ranges::sort(before);
        for (std::size_t i = 0; i < size; ++i) CHECK(losses[i] == Approx(before[i]));
      }
      at += size;
    }
  }
}

TEST_CASE("staging is for evaluators that can", "[evolution]") {
  using options = amq::evolution_options;
  CHECK(options::suited_to(landscape_evaluator(landscape(3, 1))).stages.empty());
  CHECK(options::suited_to(partial_landscape(landscape(3, 1))).stages.size() == 2);
  wrapped_evaluator wrapped(landscape(3, 1));
  CHECK(options::suited_to(wrapped).stages.empty());
  wrapped.parts = true;
  CHECK(options::suited_to(wrapped).stages.size() == 2);
  for (auto const& [count, shares] : {std::pair<index, std::vector<double>>(0, {1.0 / 64, 1.0 / 8}),
                                      {128, {1.0 / 64, 1.0 / 8}},
                                      {100, {1.0 / 100, 12.0 / 100}},
                                      {16, {1.0 / 16, 2.0 / 16}},
                                      {2, {1.0 / 2}},
                                      {1, {}}}) {
    INFO(count << " sequences");
    wrapped.count = count;
    std::vector<double> chosen;
    for (auto const& stage : options::suited_to(wrapped).stages) chosen.push_back(stage.fidelity);
    CHECK(chosen == shares);
    CHECK(options::suited_to(wrapped).offspring == (shares.empty() ? options{}.offspring : 128));
  }

  auto const space = landscape_space(5);
  landscape_evaluator whole(landscape(5, 1));
  memory_archive archive;
  auto const staged = [](amq::format_space const& s) { return amq::evolution(s, options::staged()); };
  CHECK_THROWS_AS(amq::run_search(space, whole, archive, staged, {.seed = 1, .budget = amq::search_budget::of(50)}),
                  amq::precondition_error);
  CHECK(archive.evaluations().size() == 3);
}

TEST_CASE("evolution finds better fronts than chance", "[evolution]") {
  auto const space = landscape_space(40);
  auto const quality = [&](auto const& make) {
    landscape_evaluator evaluator(landscape(40, 3));
    memory_archive archive;
    amq::run_search(space, evaluator, archive, make,
                    {.seed = 1, .budget = {.evaluations = 2000, .initial = 1, .candidates = 20}});
    return amq::normalised_hypervolume(archive.evaluations(), *amq::find_frame(space, archive), amq::loss_scale::raw);
  };
  double const evolved = quality([](amq::format_space const& s) { return amq::evolution(s); });
  double const drawn = quality([](amq::format_space const& s) { return amq::random_search(s); });
  INFO("evolution " << evolved << ", random " << drawn);
  CHECK(evolved > drawn + 0.02);
}

TEST_CASE("options outside their range are refused", "[evolution]") {
  auto const refused = [](amq::evolution_options options) {
    CHECK_THROWS_AS(amq::evolution(landscape_space(3), options), amq::precondition_error);
  };
  refused({.offspring = 0});
  refused({.targets = 0});
  refused({.most_switches = 0});
  refused({.stages = {{0.5, 4}, {0.25, 2}}});
  refused({.stages = {{1, 4}}});
  refused({.stages = {{0.5, 0}}});
}

}  // namespace
