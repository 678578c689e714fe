// Measures a latency_table: each format in turn on a model of random weights that decodes as the real one would.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
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

/// A watch of forward_pass that times each product with a linear layer and what follows the blocks, or lets them be.
template <class Clock>
struct product_watch {
  bool looks = true;
  std::vector<double> products = {};  ///< one a linear layer, in order
  double head_seconds = 0;

  bool watches_layers() const { return looks; }

  template <class Work>
  void linear(index, Work&& work) {
    products.push_back(timed(work));
  }
  template <class Work>
  void head(Work&& work) {
    head_seconds = timed(work);
  }

 private:
  template <class Work>
  double timed(Work& work) const {
    if (!looks) return work(), 0;
    auto const start = Clock::now();
    work();
    return seconds_since<Clock>(start);
  }
};

/// Medians over the passes of one model.
struct decode_profile {
  std::vector<double> products;  ///< one a linear layer
  double head = 0;
  double rest = 0;  ///< a pass without products and head
};

/// Every other pass is left alone, and what it takes beside the products that its neighbours saw is the rest: looking
/// at a clock twice a product would count, and a small model's products take hardly longer than that.
template <class Clock, class Executor>
decode_profile profile_model(running_model const& model, speed_options const& options, Executor& executor) {
  using watch = product_watch<Clock>;
  std::vector<std::vector<double>> products(static_cast<std::size_t>(model.config().blocks * linears_per_block));
  std::vector<double> heads, passes;
  host_rounds runs(model, options, executor, [](index i) { return watch{i % 2 == 1}; });
  timed_rounds<Clock>(model.config(), options, runs, [&](index i, double total, watch const& seen) {
    if (i == 0) return;
    if (!seen.looks) return passes.push_back(total);
    for (std::size_t layer = 0; layer < products.size(); ++layer) products[layer].push_back(seen.products[layer]);
    heads.push_back(seen.head_seconds);
  });
  double const tick = clock_overhead<Clock>();
  auto const net = [&](std::vector<double> const& seconds) { return std::max(0.0, median(seconds) - tick); };
  decode_profile measured{{}, net(heads), 0};
  for (auto const& each : products) measured.products.push_back(net(each));
  measured.rest = std::max(0.0, median(passes) - measured.head - sum(measured.products));
  return measured;
}

}  // namespace detail

/// Times decoding of a model of this shape with all layers in each of the formats, at least two tokens a round: as many
/// of its blocks as fit into `most_bytes`, so that matrices follow each other through the caches as they do in the
/// model itself. A shape's time is the mean over its layers of medians over passes; each product pays for rounding its
/// input, and what layers multiplied together save is in the rest. Where the clock is wall time, a busy machine makes
/// all of it larger. Throws input_error for formats without a kernel, and when not even one block fits.
template <class Clock = std::chrono::steady_clock, class Executor>
latency_table profile_decoding(model_config const& config, std::span<format const> formats, std::string machine,
                               profile_options const& options, Executor& executor) {
  AMQ_EXPECTS(!formats.empty() && options.speed.decode_tokens >= 2,
              "a profile is of at least one format and two tokens");
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
/// (format_space::sized_by). Add rest_seconds() for a whole token. Throws input_error for a choice that the table
/// lacks.
inline layer_table_objective latency_objective(format_space const& space, latency_table const& table) {
  return layer_table_objective::over(
      space, "latency", [&](linear_layer const& layer, format f) { return table.product(layer.rows, layer.cols, f); });
}

}  // namespace amq
