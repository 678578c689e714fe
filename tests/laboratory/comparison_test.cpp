// Comparisons: rows are what the archive says, whatever the threads, and what is finished is not run again.
#include "amq/laboratory/comparison.hpp"

#include <atomic>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "amq/core/executor.hpp"
#include "amq/landscape/error_vectors.hpp"
#include "amq/search/presets/amq.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

namespace amq::testing {
namespace {

sensitivity_table made_up() {
  sensitivity_table table;
  for (int l = 0; l < 14; ++l) {
    table.layers.push_back(
        {"model.layers." + std::to_string(l / 7) + ".l" + std::to_string(l % 7), 128 * (1 + l % 3), 128, l / 7, l % 7});
    table.sensitivities.push_back(l == 5 ? 0.2 : 0.01 + 0.001 * l);
  }
  return table;
}

/// Counts, and is thread-safe.
struct counting_landscape {
  error_vector_landscape inner{made_up(), 3, deep_landscape};
  std::atomic<int> count{0};

  void evaluate(std::span<configuration const> batch, std::span<measurement> out) {
    count += static_cast<int>(batch.size());
    inner.evaluate(batch, out);
  }
};

compared_strategy amq_strategy_named(std::string const& name, int generations) {
  return {name, [generations](format_space const& space, search_budget const& budget) {
            return any_strategy(
                make_amq_strategy(space, {.initial = budget.initial}, {.population = 20, .generations = generations}));
          }};
}

/// No predictor, no design.
class random_asker {
 public:
  explicit random_asker(format_space const& space) : space_(space) {}
  std::vector<configuration> ask(memory_archive const& measured, index n, random_stream& random) {
    std::vector<configuration> asked;
    auto const layers = variable_layers(space_);
    while (std::ssize(asked) < n) {
      auto genes = draw_configuration(space_, layers, random);
      if (!measured.contains(genes)) asked.push_back(std::move(genes));
    }
    return asked;
  }
  void tell(std::span<configuration const>, std::span<double const>) {}

 private:
  format_space space_;
};

compared_strategy random_named(std::string const& name) {
  return {name, [](format_space const& space, search_budget const&) { return any_strategy(random_asker(space)); }};
}

comparison_options options_in(std::filesystem::path const& folder) {
  comparison_options options;
  options.seeds = {1, 2, 3};
  options.budget = {80, 20, 10};
  options.probes = 32;
  options.out = folder;
  return options;
}

/// Without the column of seconds.
std::string timeless(std::filesystem::path const& file) {
  std::istringstream lines(amq_test::read_bytes(file));
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    auto const fields = amq::detail::split(line, ',');
    for (std::size_t f = 0; f < fields.size(); ++f)
      if (f != 3) text.append(fields[f]).append(",");
    text += "\n";
  }
  return text;
}

TEST_CASE("rows say what was measured up to each batch", "[comparison]") {
  amq_test::scratch_folder const folder;
  counting_landscape landscape;
  auto const space = landscape_space(made_up().layers);
  std::vector const strategies{amq_strategy_named("amq", 3), random_named("random")};
  serial_executor executor;
  auto const result = compare_strategies(space, landscape, strategies, options_in(folder.path()), executor);
  CHECK_FALSE(result.interrupted);
  REQUIRE(result.runs.size() == 6);
  CHECK(result.runs[4].strategy == "random");
  CHECK(result.runs[4].seed == 2);
  for (auto const& run : result.runs) {
    memory_archive archive;
    auto const& strategy = run.strategy == "amq" ? strategies[0] : strategies[1];
    auto const make = [&](format_space const& s, search_budget const& b) { return strategy.make(s, b); };
    search_options const plain{run.seed, {80, 20, 10}};
    run_search(space, landscape, archive, make, plain);
    REQUIRE(archive.evaluations().size() == 80);
    for (auto const& row : run.rows) {
      auto const part = archive.evaluations().first(static_cast<std::size_t>(row.evaluations));
      CHECK((part.size() == 80 || part.back().batch < archive.evaluations()[part.size()].batch));
      CHECK(row.hypervolume == Approx(normalised_hypervolume(part, result.frame, loss_scale::raw)).epsilon(1e-12));
      CHECK(row.log_hypervolume ==
            Approx(normalised_hypervolume(part, result.frame, loss_scale::logarithmic)).epsilon(1e-12));
      double best = std::numeric_limits<double>::infinity();
      for (auto const& e : part)
        if (e.average_bits <= 3) best = std::min(best, e.loss);
      CHECK(row.best[1] == best);
      CHECK(row.seconds >= 0);
    }
    CHECK(run.rows.front().evaluations == 3);
    CHECK(run.rows.back().evaluations == 80);
    CHECK(run.rows.back().seconds > run.rows.front().seconds);
  }
}

TEST_CASE("only strategies that predict are ranked, before each batch of the search", "[comparison]") {
  amq_test::scratch_folder const folder;
  counting_landscape landscape;
  auto const space = landscape_space(made_up().layers);
  serial_executor executor;
  std::vector const strategies{amq_strategy_named("amq", 3), random_named("random")};
  auto const result = compare_strategies(space, landscape, strategies, options_in(folder.path()), executor);
  for (auto const& run : result.runs) {
    int ranked = 0, probed = 0;
    for (auto const& row : run.rows) {
      ranked += row.ranking.spearman.has_value();
      probed += row.ranking.fresh.pairs() > 0;
      if (row.evaluations <= 33) CHECK_FALSE(row.ranking.kendall.has_value());
    }
    CHECK(ranked == (run.strategy == "amq" ? 5 : 0));
    CHECK(probed == ranked);
    if (run.strategy == "amq") CHECK(run.rows.back().ranking.spearman.value() > 0.5);
  }
  // 6 runs of 80, the two ends, and 3 x 5 times the probes
  CHECK(landscape.count <= 6 * 80 + 2 + 15 * 32);
  CHECK(landscape.count > 6 * 80 + 2 + 15 * 16);
}

TEST_CASE("results do not depend on threads, and finished runs are kept", "[comparison]") {
  auto const space = landscape_space(made_up().layers);
  std::vector const strategies{amq_strategy_named("amq", 3), random_named("random")};
  amq_test::scratch_folder const straight, resumed;
  counting_landscape landscape;
  thread_executor three(3);
  compare_strategies(space, landscape, strategies, options_in(straight.path()), three);

  counting_landscape first, second;
  auto options = options_in(resumed.path());
  options.stop_requested = [&] { return first.count > 250; };
  serial_executor one;
  auto const stopped = compare_strategies(space, first, strategies, options, one);
  CHECK(stopped.interrupted);
  REQUIRE((stopped.runs.size() >= 1 && stopped.runs.size() < 6));
  options.stop_requested = {};
  auto const whole = compare_strategies(space, second, strategies, options, one);
  CHECK(second.count < landscape.count - 80);
  CHECK(whole.runs.size() == 6);
  CHECK(timeless(straight.path() / "compare.csv") == timeless(resumed.path() / "compare.csv"));
  CHECK(amq_test::read_bytes(straight.path() / "fronts.csv") == amq_test::read_bytes(resumed.path() / "fronts.csv"));
  CHECK(amq_test::read_bytes(straight.path() / "details.csv") == amq_test::read_bytes(resumed.path() / "details.csv"));

  counting_landscape third;
  auto const more = std::vector{random_named("again")};
  compare_strategies(space, third, more, options, one);
  CHECK(read_runs(resumed.path()).size() == 9);  // others' runs stay
}

TEST_CASE("runs are read back as they were written", "[comparison]") {
  amq_test::scratch_folder const folder;
  comparison_run run{"x", 7, {}, {{2.5, 0.25}, {3.0, 0.125}}};
  comparison_row row{10, 0.1, 0.2, 0.3, {1, 2, std::numeric_limits<double>::infinity()}, {0.5, {}, {3, 1}, {7, 2}}};
  run.rows = {row, row};
  run.rows[1].evaluations = 20.25;
  write_runs(folder.path(), std::vector{run});
  auto const back = read_runs(folder.path());
  REQUIRE(back.size() == 1);
  CHECK(back[0].seed == 7);
  CHECK(back[0].front == run.front);
  REQUIRE(back[0].rows.size() == 2);
  CHECK(back[0].rows[1].evaluations == 20.25);
  CHECK(back[0].rows[0].best == row.best);
  CHECK(back[0].rows[0].ranking.kendall == 0.5);
  CHECK_FALSE(back[0].rows[0].ranking.spearman.has_value());
  CHECK(back[0].rows[0].ranking.fresh.tau().value() == Approx(5.0 / 9));
  // A comparison that was killed between its files: what compare.csv lacks is not finished.
  auto const other = comparison_run{"y", 1, run.rows, run.front};
  amq::write_file(folder.path() / "fronts.csv", fronts_csv(std::vector{run, other}));
  amq::write_file(folder.path() / "details.csv", details_csv(std::vector{run, other}));
  CHECK(read_runs(folder.path()).size() == 1);
}

TEST_CASE("bad comparisons are refused with a sentence", "[comparison]") {
  using amq_test::lacks;
  amq_test::scratch_folder const folder;
  counting_landscape landscape;
  auto const space = landscape_space(made_up().layers);
  serial_executor executor;
  auto const refused = [&](std::vector<compared_strategy> const& strategies, comparison_options const& options) {
    return amq_test::refusal([&] { compare_strategies(space, landscape, strategies, options, executor); });
  };
  auto options = options_in(folder.path());
  CHECK(lacks(refused({}, options), {"at least one strategy"}) == "");
  CHECK(lacks(refused({random_named("a"), random_named("a")}, options), {"'a'", "twice"}) == "");
  CHECK(lacks(refused({random_named("a,b")}, options), {"a,b", "CSV"}) == "");
  folder.write("compare.csv", "strategy,seed\n");
  CHECK(lacks(refused({random_named("a")}, options), {"compare.csv, line 1", "header"}) == "");
  folder.write("compare.csv", std::string(amq::detail::compare_header) + "\na,1,2\n");
  CHECK(lacks(refused({random_named("a")}, options), {"line 2", "3 values"}) == "");
  struct hopeless {
    void evaluate(std::span<configuration const>, std::span<measurement> out) {
      for (auto& m : out) m.error = "no model here";
    }
  } nothing;
  CHECK(lacks(amq_test::refusal([&] { landscape_frame(space, nothing); }), {"all-lowest", "no model here"}) == "");
}

TEST_CASE("pairs count where bits are nearly equal", "[comparison]") {
  std::vector<double> const bits{2.0, 2.005, 2.5, 2.504}, predicted{1, 2, 3, 3.5}, measured{1, 2, 4, 3.9};
  auto const counts = nearly_equal_pairs(bits, predicted, measured, 0.01);
  CHECK(counts.concordant == 1);
  CHECK(counts.discordant == 1);
  CHECK(nearly_equal_pairs(bits, predicted, measured, 1).pairs() == 6);
  CHECK(nearly_equal_pairs(bits, predicted, predicted, 1).tau() == 1.0);
  CHECK_FALSE(pair_counts{}.tau().has_value());
}

}  // namespace
}  // namespace amq::testing
