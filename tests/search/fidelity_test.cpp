// Batches on a part of the tokens in the loop: what they cost, who measures them, what looks at them, resuming.
#include "amq/search/front.hpp"
#include "amq/search/search.hpp"
#include "support/catch.hpp"
#include "support/landscape.hpp"

namespace {

using amq::configuration;
using amq::evaluation;
using amq::gene;
using amq::index;
using amq::memory_archive;
using amq::phase;
using amq::planned_batch;
using amq::search_end;
using amq::testing::landscape;
using amq::testing::landscape_evaluator;
using amq::testing::landscape_space;

constexpr index layers = 12;

/// Notes on how much of the tokens each batch was; parts look a hundred times better than they are.
struct partial_landscape : landscape_evaluator {
  std::vector<std::pair<double, std::size_t>> parts{};

  void evaluate_part(std::span<configuration const> batch, double fidelity, std::span<amq::measurement> out) {
    parts.emplace_back(fidelity, batch.size());
    evaluate(batch, out);
    for (auto& m : out) m.loss /= 100;
  }
};
static_assert(amq::partial_evaluator<partial_landscape>);
static_assert(!amq::partial_evaluator<landscape_evaluator>);

/// Measures eight new configurations on a part, then the best two of them whole, and so on.
struct staged {
  double fidelity = 0.25;

  std::vector<configuration> ask(memory_archive const& measured, index n, amq::random_stream& random) {
    return plan(measured, n, random).configurations;
  }
  planned_batch plan(memory_archive const& measured, index, amq::random_stream& random) {
    auto const all = measured.evaluations();
    if (all.back().fidelity == 1)
      return {phase::search, amq::random_design(landscape_space(layers), measured, 8, random), fidelity};
    std::vector<evaluation const*> stage;
    for (auto const& e : all)
      if (e.batch == all.back().batch) stage.push_back(&e);
    std::ranges::stable_sort(stage, [](auto const* a, auto const* b) { return a->loss < b->loss; });
    stage.resize(std::min<std::size_t>(stage.size(), 2));
    planned_batch whole{phase::search};
    for (auto const* e : stage) whole.configurations.push_back(e->configuration);
    return whole;
  }
  void tell(std::span<configuration const>, std::span<double const>) {}
};

struct run {
  memory_archive archive;
  amq::search_result result;
  std::vector<std::pair<double, std::size_t>> parts;
};

template <class Evaluator = partial_landscape>
run search(index evaluations, memory_archive start = {}, double fidelity = 0.25) {
  run r{std::move(start), {}, {}};
  Evaluator evaluator{landscape_evaluator(landscape(layers, 7))};
  r.result =
      amq::run_search(landscape_space(layers), evaluator, r.archive, [&](auto const&) { return staged{fidelity}; },
                      {.seed = 1, .budget = {.evaluations = evaluations, .initial = 1, .candidates = 8}});
  if constexpr (requires { evaluator.parts; }) r.parts = evaluator.parts;
  return r;
}

TEST_CASE("a quarter of the tokens costs a quarter of an evaluation", "[fidelity]") {
  // 3 uniform ones, then 8 quarters and 2 whole ones: 4 a round.
  auto const r = search(3 + 5 * 4);
  CHECK(r.result.end == search_end::finished);
  REQUIRE(r.archive.evaluations().size() == 3 + 5 * 10);
  CHECK(r.result.measured == 53);
  CHECK(r.parts == std::vector<std::pair<double, std::size_t>>(5, {0.25, 8}));
  double spent = 0;
  for (auto const& e : r.archive.evaluations()) spent += e.fidelity;
  CHECK(spent == 23);
}

TEST_CASE("a budget that ends within a stage leaves less than one evaluation", "[fidelity]") {
  for (index const budget : {4, 5, 6, 7, 8, 9}) {
    double spent = 0;
    for (auto const& e : search(budget).archive.evaluations()) spent += e.fidelity;
    INFO("budget " << budget);
    CHECK((spent <= static_cast<double>(budget) && spent > static_cast<double>(budget) - 1));
  }
  CHECK(search(4).parts == std::vector<std::pair<double, std::size_t>>{{0.25, 4}});  // room for four quarters
}

TEST_CASE("parts are kept and marked, on no front, and may be measured whole", "[fidelity]") {
  auto const [archive, result, parts] = search(23);
  auto const all = archive.evaluations();
  landscape const model(layers, 7);
  for (std::size_t i = 3; i < all.size(); ++i) {
    bool const part = (i - 3) % 10 < 8;
    CHECK(all[i].fidelity == (part ? 0.25 : 1.0));
    CHECK(all[i].loss == Approx(model.loss(all[i].configuration) / (part ? 100 : 1)));
    CHECK(all[i].batch == static_cast<int>(1 + (i - 3) / 10 * 2 + (part ? 0 : 1)));
  }
  std::vector<evaluation> whole;
  for (auto const& e : all)
    if (e.fidelity == 1) whole.push_back(e);
  auto const of_all = amq::front(all), of_whole = amq::front(whole);
  REQUIRE(of_all.size() == of_whole.size());
  for (std::size_t i = 0; i < of_all.size(); ++i) CHECK(of_all[i].loss == of_whole[i].loss);
  auto const frame = *amq::find_frame(landscape_space(layers), archive);
  CHECK(amq::normalised_hypervolume(all, frame, amq::loss_scale::raw) ==
        amq::normalised_hypervolume(whole, frame, amq::loss_scale::raw));
  memory_archive only_part;
  only_part.record(all[3]);
  CHECK_FALSE(only_part.contains(all[3].configuration));
  CHECK(archive.contains(whole.back().configuration));
}

TEST_CASE("a search with parts resumes at every point to the same archive", "[fidelity]") {
  auto const straight = search(17).archive;
  for (std::size_t count = 0; count <= straight.evaluations().size(); ++count) {
    memory_archive start;
    for (auto const& e : straight.evaluations().first(count)) start.record(e);
    auto const resumed = search(17, std::move(start));
    INFO("resumed at " << count);
    REQUIRE(resumed.archive.evaluations().size() == straight.evaluations().size());
    CHECK(resumed.result.measured == std::ssize(straight.evaluations()) - static_cast<index>(count));
    for (std::size_t i = count; i < straight.evaluations().size(); ++i) {
      auto const &a = straight.evaluations()[i], &b = resumed.archive.evaluations()[i];
      REQUIRE(
          (a.configuration == b.configuration && a.loss == b.loss && a.fidelity == b.fidelity && a.batch == b.batch));
    }
  }
}

TEST_CASE("an archive whose last batch was of another part is refused", "[fidelity]") {
  auto const straight = search(7).archive;
  memory_archive start;
  for (auto const& e : straight.evaluations().first(8)) start.record(e);
  CHECK_THROWS_AS(search(7, std::move(start), 0.5), amq::input_error);
}

TEST_CASE("parts without an evaluator that can measure them, and impossible parts, are refused", "[fidelity]") {
  try {
    search<landscape_evaluator>(23);
    FAIL("measured parts without evaluate_part");
  } catch (amq::precondition_error const& e) {
    CHECK(std::string(e.what()).find("evaluate_part") != std::string::npos);
  }
  for (double const fidelity : {0.0, -0.5, 1.5, std::nan("")})
    CHECK_THROWS_AS(search(23, {}, fidelity), amq::precondition_error);
}

TEST_CASE("stop_when sees parts but not as whole ones", "[fidelity]") {
  memory_archive archive;
  partial_landscape evaluator{landscape_evaluator(landscape(layers, 7))};
  std::vector<index> seen;
  std::vector<double> qualities;
  auto const watch = [&](amq::search_progress const& progress) {
    seen.push_back(progress.measured);
    qualities.push_back(progress.hypervolume(amq::loss_scale::raw).value());
    return seen.size() == 4;
  };
  auto const result =
      amq::run_search(landscape_space(layers), evaluator, archive, [](auto const&) { return staged{}; },
                      {.seed = 1, .budget = {.evaluations = 100, .initial = 1, .candidates = 8}, .stop_when = watch});
  CHECK(result.end == search_end::satisfied);
  CHECK(seen == std::vector<index>{3, 11, 13, 21});
  CHECK(archive.evaluations().size() == 21);
  CHECK((qualities[1] == qualities[0] && qualities[3] == qualities[2]));
}

}  // namespace
