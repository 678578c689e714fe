// amq compare: search strategies against each other on the same evaluations, with curves, tests and pictures.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "amq/core/executor.hpp"
#include "amq/evaluate/caching_evaluator.hpp"
#include "amq/io/archive_csv.hpp"
#include "amq/io/fingerprint.hpp"
#include "amq/io/json.hpp"
#include "amq/laboratory/across.hpp"
#include "amq/laboratory/comparison.hpp"
#include "amq/laboratory/summary.hpp"
#include "amq/landscape/chain.hpp"
#include "amq/landscape/error_vectors.hpp"
#include "amq/landscape/table.hpp"
#include "amq/store/sqlite_archive.hpp"
#include "archive_settings.hpp"
#include "archived_space.hpp"
#include "compared_strategies.hpp"
#include "comparison_pictures.hpp"
#include "engine.hpp"
#include "interrupt.hpp"
#include "progress.hpp"
#include "setup.hpp"

namespace amq::cli {
namespace {

/// A file that the landscape cannot do without.
std::filesystem::path const& needed(std::filesystem::path const& file, compare_options const& options,
                                    char const* option) {
  if (file.empty()) throw input_error("--landscape " + options.landscape + " needs " + option);
  return file;
}

std::string fingerprint_of(std::filesystem::path const& file) {
  mapped_file const mapped(file, "a file of the landscape");
  sha256 digest;
  digest.update(mapped.bytes());
  return digest.hex();
}

search_budget budget_of(compare_options const& options) {
  if (options.evaluations < 1)
    throw input_error("--evaluations " + std::to_string(options.evaluations) +
                      " measures nothing; expected at least 1");
  auto budget = search_budget::of(options.evaluations);
  if (options.initial) budget.initial = *options.initial;
  if (options.candidates) budget.candidates = *options.candidates;
  if (budget.initial < 0 || budget.candidates < 1)
    throw input_error("--initial and --candidates are numbers of configurations; expected at least 0 and at least 1");
  return budget;
}

/// One folder holds one landscape and budget: what they are is written on the first run and compared on all later ones.
void expect_same_conditions(std::filesystem::path const& folder, nlohmann::ordered_json const& conditions) {
  auto const file = folder / "settings.json";
  if (!std::filesystem::exists(file)) {
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure) throw input_error(folder.string() + " cannot be created: " + failure.message());
    return write_file(file, conditions.dump(1) + "\n");
  }
  auto const found = load_json(file);
  for (auto const& [key, value] : conditions.items())
    if (!found.contains(key) || found.at(key) != nlohmann::json(value))
      throw input_error(file.string() + " has " + key + " " +
                        (found.contains(key) ? found.at(key).dump().substr(0, 100) : std::string("(absent)")) +
                        ", not " + value.dump().substr(0, 100) + "; choose another --out");
}

/// What a landscape is, besides its evaluator.
struct compared_landscape {
  format_space space;
  nlohmann::ordered_json conditions;
  std::string title;
  int threads;
  index probes;
  std::optional<best_hypervolumes> best{};
};

void print(nlohmann::ordered_json const& summary, std::vector<std::string> const& names) {
  std::printf("%-32s %5s %11s %11s %11s %11s %10s %9s\n", "strategy", "runs", "hv median", "quartiles", "",
              "log median", "seconds", "fresh tau");
  for (auto const& name : names) {
    if (!summary.contains("strategies") || !summary["strategies"].contains(name)) continue;
    auto const& s = summary["strategies"][name];
    auto const& tau = s["ranking"]["fresh_tau"];
    std::printf("%-32s %5d %11.4f %11.4f %11.4f %11.4f %10.2f %9s\n", name.c_str(), s["runs"].get<int>(),
                s["hypervolume"]["median"].get<double>(), s["hypervolume"]["lower_quartile"].get<double>(),
                s["hypervolume"]["upper_quartile"].get<double>(), s["log_hypervolume"]["median"].get<double>(),
                s["seconds"]["median"].get<double>(),
                tau.is_number() ? std::to_string(tau.get<double>()).substr(0, 5).c_str() : "-");
  }
}

template <class Evaluator>
int compare_on(compare_options const& options, compared_landscape const& landscape, Evaluator& evaluator) {
  std::vector<varied_part> varied;
  for (auto const& text : options.vary) varied.push_back(parse_varied(text));
  auto const budget = budget_of(options);
  auto const strategies = compared_strategies(options.strategies, varied, budget.evaluations, options.candidates);
  auto conditions = landscape.conditions;
  conditions.update({{"evaluations", budget.evaluations},
                     {"initial", budget.initial},
                     {"candidates", budget.candidates},
                     {"probes", landscape.probes}});
  expect_same_conditions(options.out, conditions);
  comparison_options how{{}, budget, landscape.probes, options.out, interrupt_requested, {}};
  for (int seed = 1; seed <= options.seeds; ++seed) how.seeds.push_back(static_cast<std::uint64_t>(seed));
  progress bar("compare", std::ssize(strategies) * options.seeds);
  how.on_finished = [&](comparison_run const& run, std::size_t finished, std::size_t) {
    bar.show(static_cast<std::int64_t>(finished), run.strategy + ", seed " + std::to_string(run.seed));
  };
  thread_executor executor(landscape.threads);
  auto const compared = compare_strategies(landscape.space, evaluator, strategies, how, executor);
  bar.finish();
  std::vector<std::string> names;
  for (auto const& strategy : strategies) names.push_back(strategy.name);
  auto summary = conditions;
  summary_options const wanted{.sensitivities = landscape.space.feature_count(), .best = landscape.best};
  summary.update(summarise(compared, strategies, wanted));
  if (auto factorial = summarise_factorial(compared, strategies); !factorial.is_null())
    summary["factorial"] = std::move(factorial);
  write_file(options.out / "summary.json", summary.dump(1) + "\n");
  if (!compared.runs.empty() && !comparison_pictures(compared, names, landscape.title, options.out).draw())
    std::fprintf(stderr,
                 "amq: gnuplot is not installed (or failed), so pictures are missing; compare.csv, details.csv "
                 "and fronts.csv have their data\n");
  if (options.json)
    std::printf("%s\n", summary.dump().c_str());
  else
    print(summary, names);
  if (!compared.interrupted) return exit_done;
  std::fprintf(stderr, "amq: interrupted after %zu of %zu runs, kept in %s; the same command continues\n",
               compared.runs.size(), strategies.size() * how.seeds.size(), options.out.c_str());
  return exit_interrupted;
}

int compare_synthetic(compare_options const& options) {
  auto const& file = needed(options.sensitivity, options, "--sensitivity FILE.csv");
  auto const model = read_sensitivities(file);
  compared_landscape landscape{landscape_space(model.layers),
                               {{"landscape", options.landscape},
                                {"landscape_seed", options.landscape_seed},
                                {"sensitivity_sha256", fingerprint_of(file)}},
                               options.landscape + " landscape on " + file.stem().string(),
                               threads_to_use(options.measure.threads),
                               options.probes.value_or(96)};
  if (options.landscape == "chain") {
    chain_landscape const chain(model, options.landscape_seed);
    return compare_on(options, landscape, chain);
  }
  error_vector_landscape const vectors(model, options.landscape_seed,
                                       options.landscape == "flat" ? flat_landscape : deep_landscape);
  return compare_on(options, landscape, vectors);
}

int compare_on_table(compare_options const& options) {
  auto const& file = needed(options.archive, options, "--archive FILE");
  auto const archive = load_archive(file);
  compared_landscape landscape{space_of(archive, file),
                               {{"landscape", "table"}, {"archive_sha256", fingerprint_of(file)}},
                               "replay of " + file.filename().string(),
                               threads_to_use(options.measure.threads),
                               options.probes.value_or(96)};
  table_landscape const table(archive.evaluations);
  if (is_complete_table(archive)) {
    auto const frame = landscape_frame(landscape.space, table);
    landscape.best = {normalised_hypervolume(archive.evaluations, frame, loss_scale::raw),
                      normalised_hypervolume(archive.evaluations, frame, loss_scale::logarithmic)};
  }
  return compare_on(options, landscape, table);
}

/// Answers survive the program: `DIR/measured.sqlite`.
void keep_answers(caching_evaluator<any_evaluator>& cache, sqlite_archive& archive, format_space const& space) {
  for (auto const& e : archive.evaluations()) {
    measurement answer;
    answer.loss = e.loss;
    answer.seconds = e.seconds;
    cache.remember(e.configuration, std::move(answer));
  }
  cache.on_measured = [&](configuration const& genes, measurement const& answer) {
    evaluation e;
    e.configuration = genes;
    e.average_bits = space.average_bits(genes);
    e.model_bytes = space.model_bytes(genes);
    e.loss = answer.loss;
    e.seconds = answer.seconds;
    archive.record(std::move(e));
  };
}

int compare_on_model(compare_options const& options) {
  check_measuring(options.measure, options.space.device);
  auto const proxy = proxy_of(options.measure, options.space.target);
  expect_names(proxy, options.measure);
  auto const devices = open_devices(options.space);
  auto const model = llama::load(needed(options.model, options, "--model DIR"));
  auto const tokens = load_checked_tokens(needed(options.measure.tokens, options, "--tokens FILE"),
                                          {options.measure.sequences, options.measure.length}, model);
  settings_map what{{"model_sha256", model.fingerprint()}, {"tokens_sha256", tokens.fingerprint()},
                    {"loss", options.measure.loss},        {"proxy", proxy},
                    {"bits", joined(options.space.bits)},  {"group", std::to_string(options.space.group)}};
  if (!devices.empty()) what["device"] = "cuda, " + precision_name(numbers_of(options.measure.precision));
  compared_landscape landscape{space_of(model, options.space),
                               {{"landscape", "model"}},
                               std::filesystem::weakly_canonical(options.model).filename().string(),
                               1,  // one run at a time: evaluations use the threads
                               options.probes.value_or(0)};
  for (auto const& [key, value] : what) landscape.conditions[key] = value;
  std::error_code ignored;
  std::filesystem::create_directories(options.out, ignored);
  interruptible_executor executor(threads_to_use(options.measure.threads));
  caching_evaluator<any_evaluator> cache(
      evaluator_of(model, tokens, landscape.space, proxy, options.measure, devices, {}, executor));
  executor.finish_pieces();
  auto const file = options.out / "measured.sqlite";
  auto archive = sqlite_archive::started(file)
                     ? sqlite_archive::open(file)
                     : sqlite_archive::create(file, what, archived_layers(landscape.space, landscape.space.layers()));
  if (devices.empty() && archive.settings().contains("device")) what["device"] = "cpu";
  archive.expect_settings(what, {});
  keep_answers(cache, archive, landscape.space);
  return compare_on(options, landscape, cache);
}

/// Comparisons that were made before, taken together.
int compare_across(compare_options const& options) {
  std::vector<landscape_runs> landscapes;
  for (auto const& folder : options.across) {
    auto const same = [&](landscape_runs const& other) { return std::filesystem::equivalent(other.name, folder); };
    if (std::ranges::any_of(landscapes, same))
      throw input_error(folder.string() + " is given twice; expected one folder for each landscape");
    landscapes.push_back({folder.string(), read_runs(folder)});
    if (landscapes.back().runs.empty())
      throw input_error(folder.string() + " has no finished run; expected a folder that amq compare has written");
  }
  auto const summary = summarise_across(landscapes);
  if (options.json) return std::printf("%s\n", summary.dump().c_str()), exit_done;
  for (auto const& [measure, test] : summary.items()) {
    std::printf("%s over %zu landscapes: Friedman p %.3g (by F: p %.3g); mean ranks, 1 is best:\n", measure.c_str(),
                landscapes.size(), test["p"].get<double>(), test["f_p"].get<double>());
    for (auto const& [name, rank] : test["mean_ranks"].items())
      std::printf("%-32s %6.2f\n", name.c_str(), rank.get<double>());
    for (auto const& pair : test["pairs"])
      std::printf("  %s and %s: p %.3g (Holm)\n", pair["first"].get<std::string>().c_str(),
                  pair["second"].get<std::string>().c_str(), pair["p_holm"].get<double>());
  }
  return exit_done;
}

/// What --across makes needless is asked for here, not by the parser.
void expect_whole(compare_options const& options) {
  std::string const missing = options.landscape.empty()  ? "--landscape"
                              : options.out.empty()      ? "--out"
                              : options.evaluations == 0 ? "--evaluations"
                                                         : "";
  if (!missing.empty()) throw input_error("amq compare needs " + missing + " (see --help)");
}

}  // namespace

int compare(compare_options const& options) {
  if (!options.across.empty()) return compare_across(options);
  expect_whole(options);
  if (options.landscape == "table") return compare_on_table(options);
  if (options.landscape == "model") return compare_on_model(options);
  return compare_synthetic(options);
}

}  // namespace amq::cli
