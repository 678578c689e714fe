// Curves, factorials and the summary: figures of runs that are written down.
#include "amq/laboratory/summary.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "amq/laboratory/across.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

namespace amq::testing {
namespace {

/// Rows at 10, 20, ... evaluations, half a second each; the logarithmic hypervolume is half the raw one.
comparison_run run_with(std::string const& strategy, std::uint64_t seed, std::vector<double> const& volumes) {
  comparison_run run{strategy, seed, {}, {}};
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    comparison_row row;
    row.evaluations = 10 * static_cast<double>(i + 1);
    row.seconds = 0.5 * static_cast<double>(i + 1);
    row.hypervolume = volumes[i];
    row.log_hypervolume = volumes[i] / 2;
    row.best = {1 - volumes[i], 0.5, std::numeric_limits<double>::infinity()};
    run.rows.push_back(row);
  }
  return run;
}

/// `good` is 0.1 above `amq` under each of six seeds at 30 evaluations, but only ties at 10.
comparison two_strategies() {
  comparison compared{{2, 4, 0.5, 0.1}, {}, false};
  for (int seed = 1; seed <= 6; ++seed) {
    double const own = 0.001 * seed;
    compared.runs.push_back(
        run_with("amq", static_cast<std::uint64_t>(seed), {0.2 + own, 0.4 + own, 0.5 + own, 0.6 + own}));
  }
  for (int seed = 1; seed <= 6; ++seed) {
    double const own = 0.001 * seed;
    compared.runs.push_back(
        run_with("good", static_cast<std::uint64_t>(seed), {0.2 + 1.1 * own, 0.5 + 1.1 * own, 0.7 + 1.2 * own}));
  }
  return compared;
}

std::vector<compared_strategy> named(std::vector<std::string> const& names) {
  std::vector<compared_strategy> strategies;
  for (auto const& name : names) strategies.push_back({name, {}});
  return strategies;
}

TEST_CASE("a curve keeps the last value and leaves out what has not begun", "[summary]") {
  auto const early = run_with("a", 1, {0.1, 0.2}), late = run_with("a", 2, {0.3, 0.4, 0.5});
  std::vector<comparison_run const*> const runs{&early, &late};
  std::vector<double> const at{5, 10, 25, 30, 99};
  auto const curve = curve_of(runs, &comparison_row::evaluations, &comparison_row::hypervolume, at);
  CHECK(curve.costs == std::vector<double>{10, 25, 30, 99});
  CHECK(curve.bands[0].median == Approx(0.2));
  CHECK(curve.bands[1].median == Approx(0.3));
  CHECK(curve.bands[3].median == Approx((0.2 + 0.5) / 2));
  CHECK(curve.bands[3].upper == Approx(0.2 + 0.75 * 0.3));
  CHECK(curve_of(
            runs, &comparison_row::seconds, [](comparison_row const& r) { return r.best[2]; }, at)
            .costs.empty());
}

TEST_CASE("pairs are pooled over rows that were predicted late enough", "[summary]") {
  auto run = run_with("a", 1, {0.1, 0.2, 0.3});
  run.rows[1].ranking.fresh = {1, 9};
  run.rows[2].ranking.fresh = {8, 2};
  std::vector<comparison_run const*> const runs{&run};
  CHECK(pooled_pairs(runs, &batch_ranking::fresh, 0).pairs() == 20);
  CHECK(pooled_pairs(runs, &batch_ranking::fresh, 20).tau().value() == Approx(0.6));
}

TEST_CASE("the summary says who is better from when on", "[summary]") {
  auto const strategies = named({"amq", "good"});
  auto const summary =
      summarise(two_strategies(), strategies, {.sensitivities = 0, .best = best_hypervolumes{0.8, 0.4}});
  CHECK(summary["strategies"]["good"]["hypervolume"]["mean"].get<double>() == Approx(0.7 + 1.2 * 0.0035));
  CHECK(summary["strategies"]["amq"]["evaluations"]["median"] == 40);
  CHECK(summary["strategies"]["amq"]["loss_at_bits"][0]["loss"]["least"].get<double>() == Approx(0.394));
  CHECK(summary["strategies"]["amq"]["loss_at_bits"][2]["loss"].is_null());
  auto const& first = summary["checkpoints"].front();
  CHECK(first["evaluations"] == 10);
  CHECK(first["hypervolume"]["wilcoxon"][0]["p"] == 1);
  auto const& last = summary["checkpoints"].back();
  CHECK(last["evaluations"] == 40);
  auto const& test = last["hypervolume"]["wilcoxon"][0];
  CHECK(test["second_better"] == 6);
  CHECK(test["p"].get<double>() == Approx(2.0 / 64));
  CHECK(test["p_holm"] == test["p"]);
  CHECK(test["median_difference"].get<double>() < -0.09);
  auto const& reached = summary["to_amqs_end"]["hypervolume"];
  CHECK(reached["target"].get<double>() == Approx(0.6035));
  CHECK(reached["strategies"]["good"]["ratio_of_medians"].get<double>() == Approx(40.0 / 30));
  CHECK(reached["strategies"]["amq"]["reached"] == 3);
  CHECK(reached["strategies"]["amq"]["ratio_of_worst"].is_null());
  CHECK(summary["friedman"]["hypervolume"]["mean_ranks"]["good"] == 1);
  CHECK(summary["expected_running_time"]["hypervolume"][0]["evaluations"]["amq"].get<double>() == Approx(40));
  CHECK(summary["regret"]["good"]["log_hypervolume"]["final"]["mean"].get<double>() ==
        Approx(0.4 - (0.7 + 1.2 * 0.0035) / 2));
  CHECK(summary["regret"]["amq"]["hypervolume"]["expected_running_time"][0]["evaluations"].is_null());
}

TEST_CASE("one strategy alone has no tests, none at all no figures", "[summary]") {
  auto compared = two_strategies();
  std::erase_if(compared.runs, [](comparison_run const& run) { return run.strategy == "amq"; });
  auto const summary = summarise(compared, named({"good"}), {});
  CHECK(summary["checkpoints"].back()["hypervolume"]["wilcoxon"].empty());
  CHECK(summary["friedman"]["hypervolume"].is_null());
  CHECK_FALSE(summary.contains("to_amqs_end"));
  CHECK_FALSE(summary.contains("regret"));
  compared.runs.clear();
  CHECK_FALSE(summarise(compared, named({"good"}), {}).contains("strategies"));
}

TEST_CASE("landscapes are blocks, and only strategies that all of them have are compared", "[across]") {
  auto const landscape = [](std::string const& name, double a, double b, double c) {
    return landscape_runs{name,
                          {run_with("a", 1, {0.1, a}), run_with("a", 2, {a + 0.02}), run_with("b", 1, {b}),
                           run_with(name == "z" ? "c" : "only here", 1, {c}), run_with("d", 1, {0.5})}};
  };
  std::vector const three{landscape("x", 0.3, 0.4, 0.9), landscape("y", 0.4, 0.45, 0.9), landscape("z", 0.1, 0.6, 0.9)};
  auto const summary = summarise_across(three);
  auto const& raw = summary["hypervolume"];
  CHECK(raw["mean_ranks"].size() == 3);
  CHECK(raw["means"]["x"]["a"].get<double>() == Approx(0.31));
  CHECK(raw["mean_ranks"]["a"] == 3);
  CHECK(raw["mean_ranks"]["d"].get<double>() == Approx(4.0 / 3));
  CHECK(raw["pairs"].size() == 3);
  using amq_test::lacks;
  CHECK(lacks(amq_test::refusal([&] { summarise_across(std::span(three).first(1)); }), {"at least two, not 1"}) == "");
  std::vector const apart{landscape_runs{"x", {run_with("a", 1, {0.1})}}, landscape_runs{"y", {run_with("b", 1, {1})}}};
  CHECK(lacks(amq_test::refusal([&] { summarise_across(apart); }), {"0 strategies in common"}) == "");
}

TEST_CASE("a factorial attributes differences to what was varied", "[factorial]") {
  auto const cell = [](std::string const& a, std::string const& b, std::vector<double> responses) {
    return factorial_cell{{{"a", a}, {"b", b}}, std::move(responses)};
  };
  std::vector<factorial_cell> const cells{cell("0", "0", {1, 3}), cell("0", "1", {2, 4}), cell("1", "0", {5, 7}),
                                          cell("1", "1", {10, 12})};
  auto const effects = attribute_differences(cells);
  REQUIRE(effects.factors.size() == 2);
  // squares: a 72, b 18, a with b 8, seeds 8
  CHECK(effects.factors[0].levels.at("1") == Approx(3));
  CHECK(effects.factors[1].levels.at("0") == Approx(-1.5));
  CHECK(effects.factors[0].share == Approx(72.0 / 106));
  CHECK(effects.factors[1].share == Approx(18.0 / 106));
  CHECK(effects.interaction_share == Approx(8.0 / 106));
  CHECK(effects.seed_share == Approx(8.0 / 106));
  CHECK_THROWS_AS(attribute_differences(std::span(cells).first(3)), precondition_error);
  CHECK_THROWS_AS(attribute_differences({}), precondition_error);
  auto uneven = cells;
  uneven[1].responses.pop_back();
  CHECK_THROWS_AS(attribute_differences(uneven), precondition_error);
}

TEST_CASE("the factorial of a comparison is there when all its runs are", "[factorial]") {
  comparison compared{{2, 4, 0.5, 0.1}, {run_with("x", 1, {0.2}), run_with("y", 1, {0.4})}, false};
  auto strategies = named({"x", "y"});
  CHECK(summarise_factorial(compared, strategies).is_null());
  strategies[0].factors = {{"infill", "x"}};
  strategies[1].factors = {{"infill", "y"}};
  auto const effects = summarise_factorial(compared, strategies);
  CHECK(effects["hypervolume"]["factors"]["infill"]["levels"]["y"].get<double>() == Approx(0.1));
  CHECK(effects["log_hypervolume"]["factors"]["infill"]["share_of_variance"] == 1);
  compared.interrupted = true;
  CHECK(summarise_factorial(compared, strategies).is_null());
}

}  // namespace
}  // namespace amq::testing
