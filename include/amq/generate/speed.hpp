// How fast a model reads prompts and writes tokens: medians of timed passes, apart by what grows with the blocks.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/precision.hpp"
#include "amq/core/statistics.hpp"
#include "amq/generate/forward_pass.hpp"
#include "amq/generate/running_model.hpp"
#include "amq/model/kv_cache.hpp"

namespace amq {

struct speed_options {
  index prompt_tokens = 128;   ///< read in one pass; in the cache when decoding starts
  index decode_tokens = 32;    ///< written after it, one pass each
  int repeats = 3;             ///< of all that, at least, after a round that is not counted
  double least_seconds = 0.5;  ///< more rounds until so much was timed: small models are over in no time
  amq::precision precision = amq::precision::f32;
  std::function<void()> before_pass = {};  ///< called before each, untimed; may throw to stop
};

/// Seconds of one pass.
struct pass_seconds {
  double blocks = 0;  ///< all blocks and the embeddings
  double head = 0;    ///< final norm and output head: the same for any number of blocks

  double total() const { return blocks + head; }

  /// What a model of `all` such blocks takes where `measured` of them took this: blocks * all / measured + head.
  pass_seconds extrapolated(int measured, int all) const {
    AMQ_EXPECTS(measured >= 1, "nothing is extrapolated from no blocks");
    return {blocks * all / measured, head};
  }
};

struct model_speed {
  index prompt_tokens = 0;
  pass_seconds prefill;  ///< of a prompt
  pass_seconds decode;   ///< of a token

  double prefill_rate() const { return static_cast<double>(prompt_tokens) / prefill.total(); }
  double decode_rate() const { return 1 / decode.total(); }

  model_speed extrapolated(int measured, int all) const {
    return {prompt_tokens, prefill.extrapolated(measured, all), decode.extrapolated(measured, all)};
  }
};

namespace detail {

/// Tokens that any model of that vocabulary knows, no two neighbours alike.
inline std::vector<std::int32_t> arbitrary_tokens(index count, index vocabulary) {
  std::vector<std::int32_t> tokens;
  for (index i = 0; i < count; ++i) tokens.push_back(static_cast<std::int32_t>((i * 7919 + 11) % vocabulary));
  return tokens;
}

template <class Clock>
double seconds_since(typename Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// What seconds_since() says of no work at all.
template <class Clock>
double clock_overhead() {
  std::vector<double> ticks;
  for (int i = 0; i < 101; ++i) ticks.push_back(seconds_since<Clock>(Clock::now()));
  return median(ticks);
}

/// A watch of forward_pass that times what follows the blocks.
template <class Clock>
struct head_watch {
  double seconds = 0;

  static constexpr bool watches_layers() { return false; }

  template <class Work>
  void linear(index, Work&& work) const {
    work();
  }
  template <class Work>
  void head(Work&& work) {
    auto const start = Clock::now();
    work();
    seconds = seconds_since<Clock>(start);
  }
};

/// Reads a prompt and writes tokens after it, again and again. `runs` has `start()`, called before each round,
/// `watch(pass number)`, 0 being the prompt's, and `run(tokens, watch)`, which is timed; `each(pass number, total
/// seconds, watch)` hears of all passes but those of the first round.
template <class Clock, class Runs, class Each>
void timed_rounds(model_config const& config, speed_options const& options, Runs& runs, Each const& each) {
  AMQ_EXPECTS(options.prompt_tokens >= 1 && options.decode_tokens >= 1 && options.repeats >= 1,
              "speed is measured over at least one token, one pass and one round");
  index const length = options.prompt_tokens + options.decode_tokens;
  if (length > config.max_length)
    throw input_error("speed over " + std::to_string(length) + " tokens was asked for, and the model reads at most " +
                      std::to_string(config.max_length) + "; ask for shorter prompts or fewer tokens");
  auto const tokens = arbitrary_tokens(length, config.vocabulary);
  auto const prompt = std::span(tokens).first(static_cast<std::size_t>(options.prompt_tokens));
  double timed = 0;
  for (int round = 0; round <= options.repeats || timed < options.least_seconds; ++round) {
    runs.start(length);
    for (index i = 0; i <= options.decode_tokens; ++i) {
      auto const read =
          i == 0 ? prompt : std::span(tokens).subspan(static_cast<std::size_t>(options.prompt_tokens + i - 1), 1);
      if (options.before_pass) options.before_pass();
      auto watch = runs.watch(i);
      auto const start = Clock::now();
      runs.run(read, watch);
      double const total = seconds_since<Clock>(start);
      if (round == 0) continue;
      timed += total;
      each(i, total, watch);
    }
  }
}

/// Rounds on the host, pass i watched by `watch_of(i)`.
template <class Executor, class WatchOf>
class host_rounds {
 public:
  host_rounds(running_model const& model, speed_options const& options, Executor& executor, WatchOf watch_of)
      : model_(&model), pass_(model, options.precision, executor), watch_of_(std::move(watch_of)) {}

  void start(index length) {
    if (!cache_) cache_.emplace(model_->config(), length);
    cache_->rewind(0);
  }
  auto watch(index i) const { return watch_of_(i); }
  template <class Watch>
  void run(std::span<std::int32_t const> tokens, Watch& watch) {
    sequence_part const part{&*cache_, std::ssize(tokens)};
    pass_.run(std::span(&part, 1), tokens, watch);
  }

 private:
  running_model const* model_;
  forward_pass<Executor> pass_;
  WatchOf watch_of_;
  std::optional<kv_cache> cache_;
};

}  // namespace detail

/// Medians over the repeated passes. Weights are where decoding leaves them: a model that is smaller than the caches
/// stays in them, a larger one comes from memory with each token. `Clock` is wall time by default; thread_clock with a
/// serial_executor is for machines that do other work meanwhile. Throws input_error for more tokens than the model
/// reads.
template <class Clock = std::chrono::steady_clock, class Executor>
model_speed measure_speed(running_model const& model, speed_options const& options, Executor& executor) {
  using watch = detail::head_watch<Clock>;
  std::vector<double> blocks[2], heads[2];  // of prefill and of decoding
  detail::host_rounds runs(model, options, executor, [](index) { return watch{}; });
  detail::timed_rounds<Clock>(model.config(), options, runs, [&](index i, double total, watch const& seen) {
    blocks[i > 0].push_back(total - seen.seconds);
    heads[i > 0].push_back(seen.seconds);
  });
  return {options.prompt_tokens, {median(blocks[0]), median(heads[0])}, {median(blocks[1]), median(heads[1])}};
}

}  // namespace amq
