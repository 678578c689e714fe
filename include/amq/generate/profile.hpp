// Measures a latency_table: each format in turn on a model of random weights that decodes as the real one would.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/dtype.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/statistics.hpp"
#include "amq/generate/latency_table.hpp"
#include "amq/generate/speed.hpp"
#include "amq/generate/synthetic_model.hpp"
#include "amq/space/format_space.hpp"
#include "amq/space/layer_table_objective.hpp"
#include "amq/version.hpp"

namespace amq {

struct profile_options {
  speed_options speed = {.prompt_tokens = 64, .decode_tokens = 16, .repeats = 3};
  std::int64_t most_bytes = std::int64_t{4} << 30;  ///< of weights that are made: as many blocks as they hold
  dtype plain = dtype::bf16;                        ///< of rows that are kept, and of the head
  std::uint64_t seed = 1;
};

namespace detail {

/// A watch of forward_pass that times each product with a linear layer and what follows the blocks.
template <class Clock>
struct product_watch {
  std::map<index, double> products;
  double head_seconds = 0;

  template <class Work>
  void linear(index layer, Work&& work) {
    auto const start = Clock::now();
    work();
    products[layer] = seconds_since<Clock>(start);
  }
  template <class Work>
  void head(Work&& work) {
    auto const start = Clock::now();
    work();
    head_seconds = seconds_since<Clock>(start);
  }
};

/// Medians over the passes of one model.
struct decode_profile {
  std::vector<double> products;  ///< one a linear layer
  double head = 0;
  double rest = 0;  ///< a pass without products and head
};

template <class Clock, class Executor>
decode_profile profile_model(running_model const& model, speed_options const& options, Executor& executor) {
  using watch = product_watch<Clock>;
  std::vector<std::vector<double>> products(static_cast<std::size_t>(model.config().blocks * linears_per_block));
  std::vector<double> heads, rests;
  timed_rounds<Clock, watch>(model, options, executor, [&](index i, double total, watch const& seen) {
    if (i == 0) return;
    double rest = total - seen.head_seconds;
    for (auto const& [layer, seconds] : seen.products) {
      products[static_cast<std::size_t>(layer)].push_back(seconds);
      rest -= seconds;
    }
    heads.push_back(seen.head_seconds);
    rests.push_back(rest);
  });
  decode_profile measured{{}, median(heads), median(rests)};
  for (auto const& each : products) measured.products.push_back(median(each));
  return measured;
}

}  // namespace detail

/// Times decoding of a model of this shape with all layers in each of the formats: as many of its blocks as fit into
/// `most_bytes`, so that matrices follow each other through the caches as they do in the model itself. A shape's time is
/// the mean over its layers of medians over passes; the first product of each input pays for rounding it. Where the
/// clock is wall time, a busy machine makes all of it larger. Throws input_error for formats without a kernel, and when
/// not even one block fits.
template <class Clock = std::chrono::steady_clock, class Executor>
latency_table profile_decoding(model_config const& config, std::span<format const> formats, std::string machine,
                               profile_options const& options, Executor& executor) {
  AMQ_EXPECTS(!formats.empty(), "a profile is of at least one format");
  int blocks = config.blocks;
  for (format const f : formats) blocks = std::min(blocks, blocks_within(config, f, options.most_bytes, options.plain));
  auto const part = first_blocks(config, blocks);
  auto const layers = linears_of(part);
  std::map<std::tuple<index, index, std::size_t>, std::vector<double>> products;
  std::vector<double> heads, rests;
  for (std::size_t choice = 0; choice < formats.size(); ++choice) {
    std::vector<format> const same(layers.size(), formats[choice]);
    auto const model = synthetic_model(part, same, options.seed, options.plain);
    auto const measured = detail::profile_model<Clock>(model, options.speed, executor);
    for (std::size_t i = 0; i < layers.size(); ++i)
      products[{layers[i].rows, layers[i].cols, choice}].push_back(measured.products[i]);
    heads.push_back(measured.head);
    rests.push_back(measured.rest);
  }
  latency_conditions conditions{std::move(machine),
                                version,
                                to_string(options.speed.precision),
                                executor.workers(),
                                options.speed.prompt_tokens + options.speed.decode_tokens / 2,
                                blocks,
                                std::is_same_v<Clock, std::chrono::steady_clock> ? "wall" : "processor"};
  latency_table table(std::move(conditions), median(heads), median(rests) / blocks);
  for (auto const& [key, seconds] : products) {
    auto const [rows, cols, choice] = key;
    table.set(rows, cols, formats[choice], mean(seconds));
  }
  return table;
}

/// Seconds a token of the linear layers' products, as an objective beside bits, or as the size itself
/// (format_space::sized_by). Add rest_seconds() for a whole token. Throws input_error for a choice that the table lacks.
inline layer_table_objective latency_objective(format_space const& space, latency_table const& table) {
  return layer_table_objective::over(space, "latency", [&](linear_layer const& layer, format f) {
    return table.product(layer.rows, layer.cols, f);
  });
}

}  // namespace amq
