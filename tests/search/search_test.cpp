// The loop: phases, pinning, budgets, resuming at every point, exhausted spaces and configurations that fail.
#include "amq/search/search.hpp"

#include <set>

#include "amq/search/front.hpp"
#include "amq/search/presets/amq.hpp"
#include "amq/search/presets/amq_as_released.hpp"
#include "support/catch.hpp"
#include "support/landscape.hpp"

namespace {

using amq::configuration;
using amq::evaluation;
using amq::format_space;
using amq::index;
using amq::memory_archive;
using amq::phase;
using amq::search_end;
using amq::search_options;
using amq::testing::landscape;
using amq::testing::landscape_evaluator;
using amq::testing::landscape_space;

auto const small_amq = [](format_space const& space, amq::search_budget const& budget) {
  return amq::make_amq_strategy(space, {.initial = budget.initial}, {.population = 30, .generations = 6});
};
/// The same with another threshold for pinning.
auto small_amq_above(double threshold) {
  return [threshold](format_space const& space, amq::search_budget const& budget) {
    return amq::make_amq_strategy(space, {.initial = budget.initial, .threshold = threshold},
                                  {.population = 30, .generations = 6});
  };
}

search_options options_for(index evaluations, std::uint64_t seed = 1) {
  return {.seed = seed, .budget = {.evaluations = evaluations, .initial = 20, .candidates = 8}};
}

struct run {
  memory_archive archive;
  amq::search_result result;
};

template <class MakeStrategy = decltype(small_amq)>
run search(format_space const& space, search_options const& options, memory_archive start = {},
           MakeStrategy const& make = small_amq) {
  run r{std::move(start), {}};
  landscape_evaluator evaluator(landscape(space.size(), 7));
  r.result = amq::run_search(space, evaluator, r.archive, make, options);
  CHECK(evaluator.count == r.result.measured);
  return r;
}

void check_same(memory_archive const& a, memory_archive const& b) {
  REQUIRE(a.evaluations().size() == b.evaluations().size());
  for (std::size_t i = 0; i < a.evaluations().size(); ++i) {
    auto const &left = a.evaluations()[i], &right = b.evaluations()[i];
    INFO("evaluation " << i);
    REQUIRE(left.configuration == right.configuration);
    REQUIRE((left.loss == right.loss && left.batch == right.batch && left.phase == right.phase &&
             left.average_bits == right.average_bits && left.model_bytes == right.model_bytes));
  }
}

memory_archive prefix(memory_archive const& archive, std::size_t count) {
  memory_archive result;
  for (auto const& e : archive.evaluations().first(count)) result.record(e);
  return result;
}

TEST_CASE("budgets split as published", "[search]") {
  auto const published = amq::search_budget::published(224);
  CHECK((published.evaluations == 10474 && published.initial == 250 && published.candidates == 50));
  auto const small = amq::search_budget::of(300);
  CHECK((small.evaluations == 300 && small.initial == 75 && small.candidates == 10));
  CHECK(amq::search_budget::of(1000).candidates == 25);
}

TEST_CASE("a search goes through its phases and counts everything", "[search]") {
  auto const space = landscape_space(18);
  auto const [archive, result] = search(space, options_for(75));
  CHECK(result.end == search_end::finished);
  CHECK((result.resumed == 0 && result.measured == 75 && result.failed == 0));
  auto const all = archive.evaluations();
  REQUIRE(all.size() == 75);
  std::vector<int> expected_batches;
  for (auto const& [batch, size] : {std::pair(0, 3), std::pair(1, 18), std::pair(2, 17), std::pair(3, 8),
                                    std::pair(4, 8), std::pair(5, 8), std::pair(6, 8), std::pair(7, 5)})
    expected_batches.insert(expected_batches.end(), static_cast<std::size_t>(size), batch);
  std::set<configuration> distinct;
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(all[i].batch == expected_batches[i]);
    CHECK(all[i].phase == (i < 3    ? phase::uniform
                           : i < 21 ? phase::sensitivity
                           : i < 38 ? phase::initial
                                    : phase::search));
    CHECK(all[i].average_bits == space.average_bits(all[i].configuration));
    CHECK(all[i].model_bytes == space.model_bytes(all[i].configuration));
    CHECK(all[i].sequence_losses.size() == 2);
    distinct.insert(all[i].configuration);
  }
  CHECK(distinct.size() == 75);
  for (amq::gene g = 0; g < 3; ++g) CHECK(all[g].configuration == configuration(18, g));
}

TEST_CASE("layers above twice the median are pinned and stay so", "[search]") {
  auto const space = landscape_space(18);
  auto const [archive, result] = search(space, options_for(75));
  std::vector<double> sensitivities;
  for (auto const& e : archive.evaluations().subspan(3, 18)) sensitivities.push_back(e.loss);
  CHECK(result.pinned == amq::pinned_by_sensitivity(sensitivities));
  CHECK_FALSE(result.pinned.empty());
  for (auto const& e : archive.evaluations().subspan(21))
    for (index const layer : result.pinned) CHECK(e.configuration[static_cast<std::size_t>(layer)] == 2);
  auto const unpinned = small_amq_above(std::numeric_limits<double>::infinity());
  CHECK(search(space, options_for(75), {}, unpinned).result.pinned.empty());
}

TEST_CASE("one seed gives the same archive twice, another one another", "[search]") {
  auto const space = landscape_space(18);
  auto const first = search(space, options_for(80));
  check_same(first.archive, search(space, options_for(80)).archive);
  auto const other = search(space, options_for(80, 2));
  CHECK(other.archive.evaluations()[70].configuration != first.archive.evaluations()[70].configuration);
}

TEST_CASE("resuming at every point, and with a larger budget, gives the straight run", "[search]") {
  auto const space = landscape_space(12);
  auto const as_released = [](format_space const& s, amq::search_budget const& budget) {
    return amq::make_amq_as_released_strategy(s, {.initial = budget.initial}, {.population = 30, .generations = 6});
  };
  auto const straight = search(space, options_for(66));
  auto const released = search(space, options_for(66), {}, as_released);
  for (std::size_t count = 0; count <= 66; ++count) {
    auto const resumed = search(space, options_for(66), prefix(straight.archive, count));
    check_same(resumed.archive, straight.archive);
    CHECK(resumed.result.resumed == static_cast<index>(count));
    CHECK(resumed.result.pinned == straight.result.pinned);
    if (count == 0) continue;
    auto const shorter = search(space, options_for(static_cast<index>(count)));
    check_same(shorter.archive, prefix(straight.archive, count));
    check_same(search(space, options_for(66), prefix(released.archive, count), as_released).archive, released.archive);
  }
}

TEST_CASE("a stop request keeps everything, and the search goes on from there", "[search]") {
  auto const space = landscape_space(12);
  auto const straight = search(space, options_for(50));
  memory_archive archive;
  landscape_evaluator evaluator(landscape(12, 7));
  index runs = 0;
  for (auto end = search_end::interrupted; end == search_end::interrupted; ++runs) {
    auto options = options_for(50);
    int calls = 0;
    options.stop_requested = [&calls] { return ++calls > 7; };
    end = amq::run_search(space, evaluator, archive, small_amq, options).end;
  }
  CHECK(runs > 5);
  CHECK(evaluator.count == 50);
  check_same(archive, straight.archive);
}

TEST_CASE("an archive of another search is refused", "[search]") {
  auto const space = landscape_space(12);
  auto const straight = search(space, options_for(50));
  landscape_evaluator evaluator(landscape(12, 7));
  auto const refused = [&](memory_archive archive, search_options const& options) {
    CHECK_THROWS_AS(amq::run_search(space, evaluator, archive, small_amq, options), amq::input_error);
  };
  refused(prefix(straight.archive, 45), options_for(50, 2));
  refused(prefix(straight.archive, 20), options_for(50, 2));
  auto other_sizes = options_for(50);
  other_sizes.budget.initial = 10;
  refused(prefix(straight.archive, 45), other_sizes);
  for (std::size_t const place : {std::size_t{1}, std::size_t{44}}) {
    memory_archive renumbered;
    for (auto e : straight.archive.evaluations().first(45)) {
      if (std::ranges::equal(e.configuration, straight.archive.evaluations()[place].configuration)) --e.batch;
      renumbered.record(std::move(e));
    }
    refused(std::move(renumbered), options_for(50));
  }
  memory_archive swapped;
  swapped.record(straight.archive.evaluations()[1]);
  refused(std::move(swapped), options_for(50));
  CHECK(evaluator.count == 0);
}

TEST_CASE("small spaces are exhausted and the search says so", "[search]") {
  for (index const layers : {1, 2, 4}) {
    auto const space = landscape_space(layers);
    auto const options = options_for(500);
    auto const unpinned = small_amq_above(1e9);
    auto const [archive, result] = search(space, options, {}, unpinned);
    CHECK(result.end == search_end::exhausted);
    CHECK(std::ssize(archive.evaluations()) == static_cast<index>(std::pow(3, layers)));
    check_same(search(space, options, prefix(archive, archive.evaluations().size()), unpinned).archive, archive);
  }
}

TEST_CASE("budgets below the number of layers, down to one, work", "[search]") {
  auto const space = landscape_space(12);
  for (index const n : {1, 2, 3, 4, 10, 15}) {
    auto const [archive, result] = search(space, options_for(n));
    CHECK(result.end == search_end::finished);
    CHECK(std::ssize(archive.evaluations()) == n);
  }
  landscape_evaluator evaluator(landscape(12, 7));
  memory_archive archive;
  CHECK_THROWS_AS(amq::run_search(space, evaluator, archive, small_amq, options_for(0)), amq::input_error);
}

TEST_CASE("spaces without anything to vary, and with one choice, end", "[search]") {
  auto const [archive, result] = search(landscape_space(5, {{4, 128}}), options_for(30));
  CHECK(result.end == search_end::exhausted);
  CHECK(archive.evaluations().size() == 1);
  auto const pinned = search(landscape_space(5), options_for(30), {}, small_amq_above(0));
  CHECK(pinned.result.end == search_end::exhausted);
  CHECK(pinned.archive.evaluations().size() == 8);
}

template <class Alter>
run search_altered(index evaluations, Alter alter, memory_archive start = {}) {
  run r{std::move(start), {}};
  landscape_evaluator evaluator(landscape(12, 7));
  evaluator.alter = alter;
  r.result = amq::run_search(landscape_space(12), evaluator, r.archive, small_amq, options_for(evaluations));
  return r;
}

TEST_CASE("constant losses do not stop a search", "[search]") {
  auto const constant = [](configuration const&, amq::measurement m) {
    m.loss = 0.25;
    return m;
  };
  auto const [archive, result] = search_altered(60, constant);
  CHECK(result.end == search_end::finished);
  CHECK(archive.evaluations().size() == 60);
  CHECK(amq::front(archive.evaluations()).size() == 1);
}

TEST_CASE("what cannot be measured counts, is never asked again and changes no resume", "[search]") {
  auto const failing = [](configuration const& genes, amq::measurement m) {
    if (genes[2] == 1 && genes[3] == 2) m.error = "child process died";
    if (genes[5] == 0 && genes[6] == 0) m.loss = std::nan("");
    return m;
  };
  auto const straight = search_altered(60, failing);
  CHECK(straight.archive.evaluations().size() == 60);
  index failed = 0;
  for (auto const& e : straight.archive.evaluations()) failed += std::isinf(e.loss);
  CHECK(failed == straight.result.failed);
  CHECK(failed > 2);
  check_same(search_altered(60, failing, prefix(straight.archive, 33)).archive, straight.archive);
  auto const nothing = [](configuration const&, amq::measurement m) {
    m.error = "no device";
    return m;
  };
  auto const hopeless = search_altered(60, nothing);
  CHECK(hopeless.result.failed == 60);
  CHECK(amq::front(hopeless.archive.evaluations()).empty());
}

TEST_CASE("observers hear of phases, evaluations and failures", "[search]") {
  auto const space = landscape_space(12);
  landscape_evaluator evaluator(landscape(12, 7));
  evaluator.alter = [](configuration const& genes, amq::measurement m) {
    if (genes[0] == 0 && genes[1] == 2) m.error = "odd";
    return m;
  };
  memory_archive archive;
  std::vector<std::pair<phase, index>> phases;
  index heard = 0, failures = 0;
  std::vector<double> hypervolumes;
  amq::search_observer observer;
  observer.on_phase = [&](phase p, index planned) { phases.emplace_back(p, planned); };
  observer.on_failure = [&](configuration const&, std::string const& why) { failures += why == "odd"; };
  observer.on_evaluation = [&](amq::search_progress const& p) {
    CHECK(p.measured == ++heard);
    CHECK(p.total == 45);
    CHECK(p.last->configuration == archive.evaluations().back().configuration);
    if (auto const hv = p.hypervolume(amq::loss_scale::raw)) hypervolumes.push_back(*hv);
  };
  auto const result = amq::run_search(space, evaluator, archive, small_amq, options_for(45), observer);
  CHECK(phases == std::vector<std::pair<phase, index>>{
                      {phase::uniform, 3}, {phase::sensitivity, 12}, {phase::initial, 17}, {phase::search, 13}});
  CHECK(heard == 45);
  CHECK((failures > 0 && failures == result.failed));
  REQUIRE(hypervolumes.size() == 43);  // from the all-highest configuration on
  CHECK(std::is_sorted(hypervolumes.begin(), hypervolumes.end()));
  CHECK(hypervolumes.back() > hypervolumes.front());
}

/// A batch evaluator and a strategy of the user's own.
struct plain_evaluator {
  landscape model{12, 7};
  void evaluate(std::span<configuration const> batch, std::span<amq::measurement> out) {
    for (std::size_t i = 0; i < batch.size(); ++i) out[i].loss = model.loss(batch[i]);
  }
};
/// Proposes one new configuration, n times over, and notes what it was given.
struct repeating_strategy {
  std::vector<std::pair<std::size_t, index>>* asked;  // evaluations seen, first random number

  std::vector<configuration> ask(memory_archive const& measured, index n, amq::random_stream& random) {
    asked->emplace_back(measured.evaluations().size(), random.below(1'000'000'000));
    configuration genes(12, amq::gene{1});
    genes[asked->size() - 1] = 2;
    return std::vector<configuration>(static_cast<std::size_t>(asked->size() < 4 ? n : 0), genes);
  }
  void tell(std::span<configuration const>, std::span<double const>) {}
};

TEST_CASE("evaluators without streaming give the same archive", "[search]") {
  auto const space = landscape_space(12);
  plain_evaluator evaluator;
  memory_archive archive;
  amq::run_search(space, evaluator, archive, small_amq, options_for(50));
  check_same(archive, search(space, options_for(50)).archive);
}

TEST_CASE("a strategy's repetitions are measured once, each batch has its own random numbers", "[search]") {
  auto const space = landscape_space(12);
  plain_evaluator evaluator;
  memory_archive archive;
  std::vector<std::pair<std::size_t, index>> asked;
  auto const make = [&](auto const&) { return repeating_strategy{&asked}; };
  CHECK(amq::run_search(space, evaluator, archive, make, options_for(50)).end == search_end::exhausted);
  CHECK(archive.evaluations().size() == 3 + 3);
  REQUIRE(asked.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(asked[i].first == 3 + i);
    CHECK(asked[i].second == amq::random_stream(1, 1 + i).below(1'000'000'000));
  }
}

/// Counts how often the strategy it wraps is asked in the phase of the search.
template <class Strategy>
struct counted {
  Strategy strategy;
  index* asks;
  std::vector<configuration> ask(memory_archive const& measured, index n, amq::random_stream& random) {
    return plan(measured, n, random).configurations;
  }
  amq::planned_batch plan(memory_archive const& measured, index n, amq::random_stream& random) {
    auto planned = strategy.plan(measured, n, random);
    *asks += planned.phase == phase::search;
    return planned;
  }
  void tell(std::span<configuration const>, std::span<double const>) {}
};

TEST_CASE("resuming asks again for the unfinished batch alone", "[search]") {
  auto const space = landscape_space(12);
  auto const straight = search(space, options_for(66));
  index asks = 0;
  auto const make = [&](format_space const& s, amq::search_budget const& budget) {
    return counted<amq::amq_strategy<>>{small_amq(s, budget), &asks};
  };
  check_same(search(space, options_for(66), prefix(straight.archive, 60), make).archive, straight.archive);
  CHECK(asks == 2);
}

}  // namespace
