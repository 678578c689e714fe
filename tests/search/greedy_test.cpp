// greedy: the path is the plain one's, most steps are not measured again, and the front's neighbours come after it.
#include "amq/search/greedy.hpp"

#include <map>

#include "amq/search/memory_archive.hpp"
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

/// An archive without find().
struct plain_archive {
  memory_archive kept;
  std::span<amq::evaluation const> evaluations() const { return kept.evaluations(); }
  void record(amq::evaluation e) { kept.record(std::move(e)); }
  bool contains(std::span<gene const> genes) const { return kept.contains(genes); }
};

/// Asks until nothing is missing before all-lowest's neighbours; the number of evaluations made.
template <class Archive>
index measure_path(amq::format_space const& space, landscape const& model, amq::greedy_options options, index n,
                   Archive& archive) {
  amq::greedy strategy(space, options);
  for (;;) {
    amq::random_stream random(1);
    auto const batch = strategy.plan(archive, n, random);
    amq::detail::greedy_descent<amq::format_space> const descent(space, options.remeasured,
                                                                 amq::measured_losses(archive));
    if (batch.phase == amq::phase::search && descent.missing().empty()) return std::ssize(archive.evaluations());
    for (auto const& genes : batch.configurations)
      archive.record({genes, space.average_bits(genes), 0, model.loss(genes), {}});
  }
}

/// All steps measured at each place of the path.
std::vector<configuration> plain_path(amq::format_space const& space, landscape const& model) {
  std::vector<configuration> path{configuration(static_cast<std::size_t>(space.size()), gene{2})};
  for (;;) {
    auto const& here = path.back();
    configuration best;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t l = 0; l < here.size(); ++l) {
      if (here[l] == 0) continue;
      auto next = here;
      --next[l];
      double const rate = (model.loss(next) - model.loss(here)) / (space.average_bits(here) - space.average_bits(next));
      if (rate < least) {
        least = rate;
        best = next;
      }
    }
    if (best.empty()) return path;
    path.push_back(best);
  }
}

TEST_CASE("with all steps measured at each place, the path is the plain greedy one", "[greedy]") {
  auto const space = landscape_space(8);
  landscape const model(8, 5);
  memory_archive archive;
  measure_path(space, model, {.remeasured = 8}, 100, archive);
  auto const path = plain_path(space, model);
  CHECK(path.size() == 17);
  for (auto const& genes : path) CHECK(archive.contains(genes));
  CHECK(archive.evaluations().size() < 3 + 17 * 8);
}

TEST_CASE("a lazy path costs a few evaluations a step and ends near the plain one", "[greedy]") {
  auto const space = landscape_space(56);
  landscape const model(56, 3);
  memory_archive archive;
  index const evaluations = measure_path(space, model, {}, 20, archive);
  INFO(evaluations << " evaluations");
  CHECK(evaluations > 56 + 112);  // at least one for each layer and one for each step
  CHECK(evaluations < 400);       // measured again everywhere: 3 + 56 * 112 / 2
  std::size_t on_path = 0;
  for (auto const& genes : plain_path(space, model)) on_path += archive.contains(genes);
  INFO(on_path << " of 113 places");
  CHECK(on_path > 60);
}

TEST_CASE("all layers' first steps come as one batch, then as many at a time as the options say", "[greedy]") {
  auto const space = landscape_space(12);
  landscape const model(12, 3);
  memory_archive archive;
  amq::greedy const strategy(space, {.remeasured = 3});
  amq::random_stream random(1);
  auto const next = [&](index n) {
    auto const batch = strategy.plan(archive, n, random);
    for (auto const& genes : batch.configurations)
      archive.record({genes, space.average_bits(genes), 0, model.loss(genes), {}});
    return std::pair(batch.phase, batch.configurations.size());
  };
  CHECK(next(2) == std::pair(amq::phase::uniform, std::size_t{3}));
  CHECK(next(2) == std::pair(amq::phase::initial, std::size_t{12}));
  CHECK(next(20) == std::pair(amq::phase::search, std::size_t{3}));
  CHECK(next(2) == std::pair(amq::phase::search, std::size_t{2}));
}

TEST_CASE("an archive without find() gives the same path", "[greedy]") {
  auto const space = landscape_space(10);
  landscape const model(10, 3);
  memory_archive findable;
  plain_archive plain;
  CHECK(measure_path(space, model, {}, 5, findable) == measure_path(space, model, {}, 5, plain));
  for (std::size_t i = 0; i < findable.evaluations().size(); ++i)
    CHECK(findable.evaluations()[i].configuration == plain.evaluations()[i].configuration);
}

TEST_CASE("where steps multiply the loss, each neighbour's predicted loss is its own", "[greedy]") {
  auto const space = landscape_space(6);
  auto const loss = [](std::span<gene const> genes) {
    double total = 0;
    for (std::size_t l = 0; l < genes.size(); ++l) total -= 0.1 * static_cast<double>((l + 1) * genes[l]);
    return std::exp(total);
  };
  amq::detail::greedy_descent<amq::format_space> const descent(
      space, 2, [&](std::span<gene const> genes) { return std::optional(loss(genes)); });
  CHECK(descent.missing().empty());
  amq::detail::exchanges<amq::format_space> const exchanges(descent);
  configuration const centre{2, 0, 1, 1, 2, 1};
  auto const around = exchanges.around({centre, space.average_bits(centre), 0, loss(centre), {}}, 3);
  CHECK(around.size() == 3 + 3 + 9 - 2);  // the third and the fourth layer are among both
  for (auto const& n : around) {
    CHECK(n.log_loss == Approx(std::log(loss(n.configuration))));
    CHECK(n.average_bits == Approx(space.average_bits(n.configuration)));
  }
}

TEST_CASE("after the path the front gets better by exchanges, more than by random neighbours", "[greedy]") {
  auto const space = landscape_space(30);
  landscape const model(30, 4);
  memory_archive archive;
  measure_path(space, model, {}, 20, archive);
  auto const frame = *amq::find_frame(space, archive);
  auto const quality = [&](memory_archive const& a) {
    return amq::normalised_hypervolume(a.evaluations(), frame, amq::loss_scale::logarithmic);
  };
  double const at_end = quality(archive);
  amq::random_stream random(1);
  auto refined = archive, shuffled = archive;
  for (int batch = 0; batch < 5; ++batch) {
    for (auto const& genes : amq::greedy(space).ask(refined, 20, random))
      refined.record({genes, space.average_bits(genes), 0, model.loss(genes), {}});
    amq::detail::new_batch neighbours(shuffled, 20);
    neighbours.fill(space, random);
    for (auto const& genes : std::move(neighbours).take())
      shuffled.record({genes, space.average_bits(genes), 0, model.loss(genes), {}});
  }
  CHECK(refined.evaluations().size() == archive.evaluations().size() + 100);
  INFO(at_end << ", refined " << quality(refined) << ", at random " << quality(shuffled));
  CHECK(quality(refined) - at_end > 2 * (quality(shuffled) - at_end));
  CHECK(quality(refined) > at_end);
}

TEST_CASE("greedy refuses to measure nothing", "[greedy]") {
  CHECK_THROWS_AS(amq::greedy(landscape_space(3), {.remeasured = 0}), amq::precondition_error);
  CHECK_THROWS_AS(amq::greedy(landscape_space(3), {.exchanged = 0}), amq::precondition_error);
}

}  // namespace
