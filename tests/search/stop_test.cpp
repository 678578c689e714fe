// Stop policies: each says when it is enough, in a search and on its own.
#include "amq/search/stop.hpp"

#include "amq/search/random_search.hpp"
#include "amq/search/search.hpp"
#include "support/catch.hpp"
#include "support/landscape.hpp"

namespace {

using amq::index;
using amq::memory_archive;
using amq::search_end;
using amq::testing::landscape;
using amq::testing::landscape_evaluator;
using amq::testing::landscape_space;

struct run {
  memory_archive archive;
  amq::search_result result;
};

run search(std::function<bool(amq::search_progress const&)> stop, memory_archive start = {}, index evaluations = 200) {
  run r{std::move(start), {}};
  auto const space = landscape_space(12);
  landscape_evaluator evaluator(landscape(12, 7));
  r.result = amq::run_search(space, evaluator, r.archive, [](auto const& s) { return amq::random_search(s); },
                             {.seed = 1,
                              .budget = {.evaluations = evaluations, .initial = 1, .candidates = 10},
                              .stop_when = std::move(stop)});
  return r;
}

/// A clock that the test moves.
struct hand_clock {
  using rep = double;
  using period = std::ratio<1>;
  using duration = std::chrono::duration<double>;
  using time_point = std::chrono::time_point<hand_clock>;
  static inline double seconds = 0;
  static time_point now() { return time_point(duration(seconds)); }
};

TEST_CASE("a number of evaluations ends a search after the batch that reaches it", "[stop]") {
  auto const [archive, result] = search(amq::stop_after_evaluations{25});
  CHECK(result.end == search_end::satisfied);
  CHECK(archive.evaluations().size() == 33);  // 3 uniform ones and three batches of 10
  CHECK(search(amq::stop_after_evaluations{500}).result.end == search_end::finished);
}

TEST_CASE("seconds count from when the policy was made", "[stop]") {
  hand_clock::seconds = 100;
  amq::stop_after_seconds<hand_clock> const stop(60);
  CHECK_FALSE(stop({}));
  hand_clock::seconds = 159;
  CHECK_FALSE(stop({}));
  hand_clock::seconds = 160;
  CHECK(stop({}));
  CHECK(search(amq::stop_after_seconds(0)).archive.evaluations().size() == 3);
  CHECK(search(amq::stop_after_seconds(1e9)).result.end == search_end::finished);
}

TEST_CASE("a loss within a budget of bits ends a search", "[stop]") {
  auto const whole = search({}).archive;
  double best = 1;
  for (auto const& e : whole.evaluations())
    if (e.average_bits <= 3.0) best = std::min(best, e.loss);
  auto const [archive, result] = search(amq::stop_at_loss{best, 3.0});
  CHECK(result.end == search_end::satisfied);
  auto const reached = [&](amq::evaluation const& e) { return e.average_bits <= 3.0 && e.loss <= best; };
  CHECK(std::ranges::any_of(archive.evaluations().last(10), reached));
  CHECK(std::ranges::none_of(archive.evaluations().first(archive.evaluations().size() - 10), reached));
  CHECK(search(amq::stop_at_loss{best, 2.0}).result.end == search_end::finished);
}

/// The last batch of the straight search that gained, and where a search without gain for `rounds` must end.
TEST_CASE("rounds without gain end a search, a resumed one at the same place", "[stop]") {
  auto const whole = search({}, {}, 400).archive;
  auto const space = landscape_space(12);
  auto const quality_until = [&](int batch) {
    std::vector<amq::evaluation> seen;
    for (auto const& e : whole.evaluations())
      if (e.batch <= batch) seen.push_back(e);
    return amq::normalised_hypervolume(seen, *amq::find_frame(space, whole), amq::loss_scale::raw);
  };
  int expected = -1;
  for (int batch = 2; batch < 39 && expected < 0; ++batch)
    if (quality_until(batch) - quality_until(batch - 2) <= 1e-4) expected = batch;
  REQUIRE(expected > 2);
  amq::stop_without_gain const stop{.rounds = 2, .least_gain = 1e-4};
  auto const straight = search(stop, {}, 400);
  CHECK(straight.result.end == search_end::satisfied);
  CHECK(straight.archive.evaluations().back().batch == expected);
  memory_archive start;
  for (auto const& e : straight.archive.evaluations().first(straight.archive.evaluations().size() - 15))
    start.record(e);
  CHECK(search(stop, std::move(start), 400).archive.evaluations().size() == straight.archive.evaluations().size());
  CHECK(search(amq::stop_without_gain{.rounds = 60}, {}, 400).result.end == search_end::finished);
  CHECK_THROWS_AS(amq::stop_without_gain{.rounds = 0}(amq::search_progress{}), amq::precondition_error);
}

TEST_CASE("gain is not asked for before the search phase, nor where it cannot be said", "[stop]") {
  std::vector<amq::evaluation> all;
  auto const add = [&](amq::phase phase, int batch, double bits, double loss) {
    all.push_back({{}, bits, 0, loss, {}, phase, batch});
  };
  auto const stops = [&](int rounds) {
    amq::search_progress progress;
    progress.evaluations = all;
    return amq::stop_without_gain{.rounds = rounds}(progress);
  };
  CHECK_FALSE(stops(1));
  add(amq::phase::uniform, 0, 2.25, 0.4);
  add(amq::phase::uniform, 0, 4.25, 0.01);
  add(amq::phase::initial, 1, 3, 0.5);
  CHECK_FALSE(stops(1));
  add(amq::phase::search, 2, 3, 0.6);
  CHECK(stops(1));
  CHECK_FALSE(stops(2));
  add(amq::phase::search, 3, 3, 0.1);
  CHECK_FALSE(stops(1));
  all[0].loss = std::numeric_limits<double>::infinity();
  all.back().loss = 0.9;
  CHECK_FALSE(stops(1));
}

TEST_CASE("any of several policies ends a search", "[stop]") {
  auto const stop = amq::stop_when_any(amq::stop_after_seconds(1e9), amq::stop_after_evaluations{14});
  CHECK(search(stop).archive.evaluations().size() == 23);
  CHECK(search(amq::stop_when_any()).result.end == search_end::finished);
}

}  // namespace
