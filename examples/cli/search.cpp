// amq search: any strategy on a real model, with an archive that survives anything.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/cuda/cuda_error.hpp"
#include "amq/evaluate/process_evaluator.hpp"
#include "amq/evaluate/tied_evaluator.hpp"
#include "amq/search/objective_front.hpp"
#include "amq/search/resized_archive.hpp"
#include "amq/search/search.hpp"
#include "amq/store/sqlite_archive.hpp"
#include "archive_settings.hpp"
#include "devices.hpp"
#include "engine.hpp"
#include "front_files.hpp"
#include "interrupt.hpp"
#include "objectives.hpp"
#include "policies/policies.hpp"
#include "progress.hpp"
#include "search_archive.hpp"
#include "setup.hpp"

namespace amq::cli {
namespace {

search_budget new_budget(search_options const& options, index layers) {
  auto const& preset = find_preset(policies(), options.preset);
  auto budget = preset.budget(options.evaluations.value_or(preset.evaluations(layers)));
  if (options.initial) budget.initial = *options.initial;
  if (options.candidates) budget.candidates = *options.candidates;
  if (budget.evaluations < 1)
    throw input_error("--evaluations " + std::to_string(budget.evaluations) + " measures nothing; expected at least 1");
  if (budget.initial < 0 || budget.candidates < 1)
    throw input_error("--initial and --candidates are numbers of configurations; expected at least 0 and at least 1");
  return budget;
}

/// Progress on standard error: evaluations done, time left, hypervolume.
search_observer show_progress(progress& bar) {
  search_observer observer;
  observer.on_evaluation = [&bar](search_progress const& now) {
    if (!bar.due() && now.measured != now.total) return;
    auto const volume = now.hypervolume(loss_scale::raw);
    char detail[64] = "";
    if (volume) std::snprintf(detail, sizeof detail, "hypervolume %.4f", *volume);
    bar.show(now.measured, detail);
  };
  observer.on_failure = [&bar](configuration const&, std::string const& why) {
    bar.finish();
    std::fprintf(stderr, "amq: one configuration could not be measured: %s\n", why.c_str());
  };
  return observer;
}

/// Another program measures. What it says of its loss must be what the archive says.
any_evaluator start_evaluator(search_options const& options, std::vector<archived_layer> layers) {
  auto child = std::make_unique<process_evaluator>(*options.evaluator, std::move(layers),
                                                   process_evaluator_options{.timeout = options.evaluator_timeout});
  auto const loss = child->about().find("loss");
  if (loss != child->about().end() && loss->second != options.measure.loss)
    throw input_error("the evaluator measures the loss '" + loss->second + "' and --loss is " + options.measure.loss +
                      "; make them agree");
  return any_evaluator(std::move(child));
}

/// Other programs see one choice for each layer, tied or not.
any_evaluator start_evaluator(search_options const& options, format_space const& space) {
  auto inner = start_evaluator(options, archived_layers(space.untied(), space.source_layers()));
  if (!space.tied()) return inner;
  return any_evaluator(std::make_unique<tied_evaluator>(space, std::move(inner)));
}

struct outcome {
  search_result result;
  memory_archive measured;  ///< with bits
  memory_archive sized;     ///< with the size that the search went by
};

/// The device's failure, and that nothing is lost by it.
error failed_device(cuda_error const& failure, std::int64_t evaluations, std::filesystem::path const& file) {
  return error(std::string(failure.what()) + "\namq: the search stopped there, and " + std::to_string(evaluations) +
               " evaluations are kept in " + file.string() + "; continue with the same command and --resume");
}

outcome run(search_options const& options, search_objectives const& objectives, llama const& model,
            token_sequences const& tokens, format_space const& space, format_space const& sized,
            device_list const& devices) {
  auto const names = names_of(options, objectives);
  expect_strategy(policies(), names, objectives.both());
  auto budget = new_budget(options, space.size());
  interruptible_executor executor(threads_to_use(options.measure.threads));
  auto const prepare = [&] {
    if (options.evaluator) return start_evaluator(options, space);
    return evaluator_of(model, tokens, space, proxy_of(options.measure, options.space.target), options.measure, devices,
                        options.out / "statistics.safetensors", executor);
  };
  // A new archive is made once everything that can be refused is there; an old one is compared before the long work.
  std::optional<any_evaluator> evaluator;
  if (!sqlite_archive::started(options.out / "archive.sqlite")) evaluator.emplace(prepare());
  auto archive = open_archive(options, objectives, model, tokens, space, devices, budget);
  if (!evaluator) evaluator.emplace(prepare());
  executor.finish_pieces();
  progress bar("search", budget.evaluations, std::ssize(archive.evaluations()));
  amq::search_options const how{options.seed, budget, interrupt_requested};
  preset_options const chosen{options.population, options.generations, options.threshold};
  auto const strategy = [&](format_space const& whole, search_budget planned) {
    planned.evaluations = planned_evaluations(archive.settings(), options.out / "archive.sqlite");
    return make_strategy(policies(), names, whole, planned, chosen, objectives.further(space));
  };
  outcome finished;
  resized_archive seen(archive, space, sized);
  try {
    finished.result = run_search(sized, *evaluator, seen, strategy, how, show_progress(bar));
  } catch (cuda_error const& failure) {
    bar.finish();
    archive.flush();
    throw failed_device(failure, std::ssize(archive.evaluations()), options.out / "archive.sqlite");
  }
  bar.finish();
  archive.flush();
  for (auto const& e : archive.evaluations()) finished.measured.record(e);
  for (auto const& e : seen.evaluations()) finished.sized.record(e);
  return finished;
}

/// The front under the objectives, fewest bits first, with all that is known of its points.
std::vector<found_point> front_points(search_objectives const& objectives, outcome const& finished,
                                      format_space const& space) {
  std::vector<found_point> points;
  if (objectives.both()) {
    for (auto const& p : objective_front(finished.measured.evaluations(), objectives.further(space)))
      points.push_back({p.configuration, p.average_bits, p.model_bytes, p.loss});
  } else {
    for (auto const& p : front(finished.sized.evaluations()))
      points.push_back({p.configuration, space.average_bits(p.configuration), p.model_bytes, p.loss});
  }
  if (objectives.table())
    for (auto& point : points)
      point.tokens_per_second = tokens_per_second(*objectives.table(), space, point.configuration);
  return points;
}

nlohmann::ordered_json write_front(search_options const& options, search_objectives const& objectives,
                                   outcome const& finished, std::span<found_point const> points,
                                   format_space const& space, format_space const& sized, double seconds) {
  nlohmann::ordered_json json;
  json["evaluations"] = finished.measured.evaluations().size();
  json["seed"] = options.seed;
  json["loss"] = options.measure.loss;
  json["group_size"] = options.space.group;
  json["target"] = options.space.target;
  json["objective"] = objectives.name();
  json["hypervolume"] = hypervolume_json(sized, finished.sized, loss_scale::raw);
  json["log_hypervolume"] = hypervolume_json(sized, finished.sized, loss_scale::logarithmic);
  json["pinned"] = nlohmann::ordered_json::array();
  for (index const layer : finished.result.pinned)
    json["pinned"].push_back(space.layers()[static_cast<std::size_t>(layer)].name);
  json["seconds"] = seconds;
  json["points"] = points_json(space, points);
  write_file(options.out / "front.json", json.dump(1) + "\n");
  write_file(options.out / "front.csv", points_csv(space, points));
  auto const title = std::filesystem::weakly_canonical(options.model).filename().string() + ", " +
                     std::to_string(finished.measured.evaluations().size()) + " configurations measured";
  std::function<double(configuration const&)> predict;
  if (objectives.table())
    predict = [&](configuration const& genes) { return tokens_per_second(*objectives.table(), space, genes); };
  if (!draw_front(options.out / "front.svg", points, finished.measured.evaluations(), title, options.measure.loss,
                  predict, objectives.latency_alone()))
    std::fprintf(stderr,
                 "amq: gnuplot is not installed (or failed), so front.svg was not drawn; front.csv has its data\n");
  return json;
}

/// At most a dozen points of the front, evenly spread, and the uniform configurations to compare with.
void print(search_options const& options, outcome const& finished, std::span<found_point const> points) {
  bool const timed = !points.empty() && points.front().tokens_per_second;
  std::printf("%14s %14s %16s%s\n", "average bits", options.measure.loss.c_str(), "model bytes",
              timed ? "   tokens a second" : "");
  std::size_t const rows = std::min<std::size_t>(12, points.size());
  for (std::size_t row = 0; row < rows; ++row) {
    auto const& point = points[rows == 1 ? 0 : row * (points.size() - 1) / (rows - 1)];
    std::printf("%14.4f %14.6f %16lld", point.average_bits, point.loss, static_cast<long long>(point.model_bytes));
    if (timed) std::printf(" %17.2f", *point.tokens_per_second);
    std::printf("\n");
  }
  std::printf("%zu points on the front, of %zu measured; uniform configurations:\n", points.size(),
              finished.measured.evaluations().size());
  for (auto const& e : finished.measured.evaluations())
    if (e.phase == phase::uniform)
      std::printf("%14.4f %14.6f %16lld\n", e.average_bits, e.loss, static_cast<long long>(e.model_bytes));
  std::printf("%s: archive.sqlite, front.json, front.csv%s\n", options.out.c_str(),
              std::filesystem::exists(options.out / "front.svg") ? ", front.svg" : "");
}

void report_end(search_options const& options, outcome const& finished) {
  if (finished.result.end == search_end::exhausted)
    std::fprintf(stderr, "amq: the space has no new candidate left; the search ends after %zu evaluations\n",
                 finished.measured.evaluations().size());
  if (finished.result.end == search_end::interrupted)
    std::fprintf(stderr,
                 "amq: interrupted after %zu evaluations, all of them kept in %s\n"
                 "amq: continue with the same command and --resume\n",
                 finished.measured.evaluations().size(), (options.out / "archive.sqlite").c_str());
}

}  // namespace

int search(search_options const& given) {
  auto const start = std::chrono::steady_clock::now();
  auto options = given;
  options.space.device = device_for(options);
  check_measuring(options.measure, options.space.device);
  options.measure.precision = precision_for(options);
  search_objectives const objectives(options);
  if (!options.evaluator) expect_names(proxy_of(options.measure, options.space.target), options.measure);
  if (options.evaluator && on_cuda(options))
    throw input_error("--evaluator measures by itself, so --device cuda has nothing to do; leave one of them out");
  auto const devices = open_devices(options.space);
  auto const model = llama::load(options.model);
  auto const tokens =
      load_checked_tokens(options.measure.tokens, {options.measure.sequences, options.measure.length}, model);
  auto const space = space_of(model, options.space);
  if (space.free_layers().empty())
    std::fprintf(stderr,
                 "amq: every layer has one choice, so there is nothing to decide; --bits or --formats give more\n");
  auto const sized = objectives.sized(space);
  auto const finished = run(options, objectives, model, tokens, space, sized, devices);
  double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (finished.measured.evaluations().empty()) {
    report_end(options, finished);
    return exit_interrupted;
  }
  auto const points = front_points(objectives, finished, space);
  auto const json = write_front(options, objectives, finished, points, space, sized, seconds);
  if (options.json)
    std::printf("%s\n", json.dump().c_str());
  else
    print(options, finished, points);
  report_end(options, finished);
  return finished.result.end == search_end::interrupted ? exit_interrupted : exit_done;
}

}  // namespace amq::cli
