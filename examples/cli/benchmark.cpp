// amq benchmark: tokens a second at uniform widths and in a searched configuration, beside what each does to quality.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/compose/quantized_quality.hpp"
#include "amq/core/team_executor.hpp"
#include "amq/generate/device_speed.hpp"
#include "amq/generate/running_model.hpp"
#include "amq/generate/speed.hpp"
#include "amq/generate/synthetic_model.hpp"
#include "amq/io/atomic_file.hpp"
#include "amq/io/configuration_file.hpp"
#include "amq/quantize/rtn.hpp"
#include "archive_settings.hpp"
#include "devices.hpp"
#include "engine.hpp"
#include "front_files.hpp"
#include "interrupt.hpp"
#include "progress.hpp"
#include "running.hpp"
#include "setup.hpp"
#include "speed_table.hpp"

namespace amq::cli {
namespace {

/// All layers' formats under a name.
struct benchmarked {
  std::string name;
  std::vector<format> formats;
  bool mixed = false;
};

double average_bits(std::span<linear_layer const> layers, std::span<format const> formats) {
  std::int64_t bits = 0, weights = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    bits += formats[i].stored_bits(layers[i].rows, layers[i].cols);
    weights += layers[i].rows * layers[i].cols;
  }
  return static_cast<double>(bits) / static_cast<double>(weights);
}

std::vector<benchmarked> configurations_of(benchmark_options const& options, std::span<linear_layer const> layers) {
  std::vector<benchmarked> all;
  for (format const f : running_formats(options.bits, options.group)) {
    if (!f.kept()) check_group(f.group, layers);
    all.push_back({std::to_string(f.bits) + " bits", std::vector(layers.size(), f)});
  }
  if (options.configuration) {
    auto const name = options.configuration->stem().string();
    all.push_back({name, read_configuration(*options.configuration, layers), true});
  }
  if (options.search)
    all.push_back({"searched", best_of_front(*options.search / "front.json", options.at_most_bits, layers), true});
  for (auto const& each : all)  // what has no kernel is refused: its speed would say nothing of its bits
    for (std::size_t i = 0; i < layers.size(); ++i) running_bytes(layers[i], each.formats[i]);
  return all;
}

/// A model in a folder: its own rows in 16 bits; quantized for real in others, so that quality can be measured, too.
class real_model {
 public:
  real_model(benchmark_options const& options, precision rounded, interruptible_executor& executor)
      : options_(options), rounded_(rounded), executor_(executor), source_(llama::load(*options.subject.model)) {
    if (!options.tokens) return;
    if (options.length < 2)
      throw input_error("--length " + std::to_string(options.length) +
                        " leaves no position to compare: a sequence needs at least 2 tokens");
    expect_quantizer(options.quantizer);
    tokens_ = load_checked_tokens(*options.tokens, {options.sequences, options.length}, source_);
    reference_.emplace(source_, *tokens_, executor_);
  }

  template <class Measure>
  void run(benchmarked const& wanted, speed_row& row, Measure const& measure) const {
    quantized_memory quantized;
    quantize(wanted.formats, quantized);
    auto model = running_model::load(*options_.subject.model);
    for (std::size_t i = 0; i < wanted.formats.size(); ++i)
      if (auto const layer = static_cast<index>(i); !wanted.formats[i].kept())
        model.replace(layer, running_matrix(quantized.layer(layer)));
    row.blocks = model.config().blocks;
    row.bytes = model.bytes_per_token();
    row.speed = measure(model);
    if (tokens_) row.measured = quantized_quality(source_, quantized, *reference_, *tokens_, executor_, rounded_);
  }

 private:
  /// Without tokens nobody asks for quality, and speed does not depend on it.
  void quantize(std::span<format const> formats, quantized_memory& quantized) const {
    if (tokens_) return quantize_into(quantized, source_, formats, *tokens_, options_.quantizer, executor_);
    for (std::size_t i = 0; i < formats.size(); ++i)
      if (auto const layer = static_cast<index>(i); !formats[i].kept())
        quantized.layer(layer, rtn{}.quantize(source_.weight(layer), formats[i], {}));
  }

  benchmark_options const& options_;
  precision rounded_;
  interruptible_executor& executor_;
  llama source_;
  std::optional<token_sequences> tokens_;
  std::optional<reference_model> reference_;
};

/// A shape with random weights, of which as many blocks are run as fit.
class synthetic_shape {
 public:
  synthetic_shape(benchmark_options const& options, model_config config)
      : config_(std::move(config)), memory_(weight_memory(options.subject)) {
    if (options.tokens) throw input_error("--tokens measures quality, which random weights of a --shape have none of");
  }

  template <class Measure>
  void run(benchmarked const& wanted, speed_row& row, Measure const& measure) const {
    row.blocks = blocks_of(wanted);
    auto const part = first_blocks(config_, row.blocks);
    auto const some = std::span(wanted.formats).first(static_cast<std::size_t>(row.blocks * linears_per_block));
    auto const model = synthetic_model(part, some, weights_seed);
    row.bytes = synthetic_bytes(config_, wanted.formats) + model.embeddings().row_bytes();
    row.speed = measure(model).extrapolated(row.blocks, config_.blocks);
  }

 private:
  static constexpr std::uint64_t weights_seed = 1;

  int blocks_of(benchmarked const& wanted) const {
    if (!wanted.mixed) return blocks_within(config_, wanted.formats.front(), memory_);
    auto const needed = synthetic_bytes(config_, wanted.formats);
    if (needed > memory_)
      throw input_error("the configuration " + wanted.name + " takes " + std::to_string(needed >> 20) + " MiB and " +
                        std::to_string(memory_ >> 20) +
                        " are given; its blocks differ, so some of them do not speak for all: give more memory");
    return config_.blocks;
  }

  model_config config_;
  std::int64_t memory_;
};

/// The host's precision that is nearest to a device's numbers: quality is measured here.
precision host_precision(dtype numbers) { return numbers == dtype::bf16 ? precision::bf16 : precision::f32; }

/// On a device whole models alone are timed.
model_speed speed_on(cuda::device& device, dtype numbers, running_model const& model, model_config const& whole,
                     speed_options const& how) {
  if (int const blocks = model.config().blocks; blocks < whole.blocks)
    throw input_error("only " + std::to_string(blocks) + " of " + std::to_string(whole.blocks) +
                      " blocks of random weights fit into the host's memory, and a device times whole models; give "
                      "more --memory-gib, or leave out the larger --bits");
  device_passes there(model, device, {.numbers = numbers});
  if (!there.note().empty()) std::fprintf(stderr, "amq: %s\n", there.note().c_str());
  return measure_speed(there, how);
}

template <class Subject>
void run_all(Subject const& subject, std::span<benchmarked const> all, std::span<linear_layer const> layers,
             std::function<model_speed(running_model const&)> const& measure, speed_table& table) {
  progress bar("benchmark", std::ssize(all));
  for (auto const& wanted : all) {
    if (interrupt_requested()) throw interrupted{};
    bar.show(std::ssize(table.rows), wanted.name);
    speed_row row{wanted.name, average_bits(layers, wanted.formats)};
    row.mixed = wanted.mixed;
    subject.run(wanted, row, measure);
    table.rows.push_back(std::move(row));
  }
  bar.finish();
}

void write_files(speed_table const& table, std::filesystem::path const& folder, bool quality) {
  write_file(folder / "speed.csv", to_csv(table));
  write_file(folder / "speed.json", to_json(table).dump(1) + "\n");
  if (quality && !draw(table, folder / "speed.svg"))
    std::fprintf(stderr, "amq: gnuplot is not installed (or failed), so speed.svg was not drawn\n");
}

}  // namespace

int benchmark(benchmark_options const& options) {
  auto const device = open_one_device(options.device);
  auto const numbers = device ? numbers_of(options.subject.precision) : dtype::f32;
  speed_options const how{.prompt_tokens = options.prompt_tokens,
                          .decode_tokens = options.decode_tokens,
                          .repeats = options.repeats,
                          .precision = device ? host_precision(numbers) : precision_of(options.subject.precision, 1),
                          .before_pass = stop_if_interrupted};
  if (options.out) create_folder(*options.out);
  auto const config = shape_of(options.subject);
  auto const layers = linears_of(config);
  auto const all = configurations_of(options, layers);
  int const threads = threads_to_use(options.subject.threads);
  speed_table table{options.subject.shape
                        ? *options.subject.shape
                        : std::filesystem::weakly_canonical(*options.subject.model).filename().string(),
                    device ? device->facts().name : machine_name(),
                    device ? precision_name(numbers) : to_string(how.precision),
                    threads,
                    config.blocks,
                    {}};
  team_executor executor(threads);
  auto const measure = [&](running_model const& model) {
    if (!device) return measure_speed(model, how, executor);
    return speed_on(*device, numbers, model, config, how);
  };
  if (options.subject.shape) {
    run_all(synthetic_shape(options, config), all, layers, measure, table);
  } else {
    interruptible_executor interruptible(threads);
    run_all(real_model(options, how.precision, interruptible), all, layers, measure, table);
  }
  if (options.out) write_files(table, *options.out, options.tokens.has_value());
  if (options.json)
    std::printf("%s\n", to_json(table).dump().c_str());
  else
    print(table);
  return exit_done;
}

}  // namespace amq::cli
