// Writes on after prompts: prefill all at once, then a token for each sequence in turn.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/precision.hpp"
#include "amq/generate/passes.hpp"
#include "amq/generate/running_model.hpp"
#include "amq/generate/sampler.hpp"

namespace amq {

struct generation_options {
  index tokens = 128;                              ///< at most, after each prompt
  amq::sampling sampling = {};                     ///< greedy, unless asked otherwise
  std::uint64_t seed = 0;                          ///< of what is drawn; prompt i draws from its stream i
  std::vector<std::int32_t> stop = {};             ///< tokens that end a sequence; they are not part of it
  amq::precision precision = amq::precision::f32;  ///< on the host
  index pass_tokens = 512;                         ///< rows that prefill multiplies at once
};

/// Why a sequence ended.
enum class ending : std::uint8_t {
  enough,       ///< as many tokens as were asked for
  stop_token,   ///< the model said so
  context_full  ///< as many positions as the model knows
};

/// What a run took. Rates are 0 where nothing was timed.
struct generation_figures {
  index prompt_tokens = 0;
  index decoded_tokens = 0;  ///< those that passes of one token a sequence gave: all but the first of each
  index decode_passes = 0;   ///< these passes; as many as the longest sequence needed
  double prefill_seconds = 0;
  double decode_seconds = 0;
  std::int64_t bytes_per_pass = 0;  ///< weights that decoding reads once for all sequences

  double prefill_rate() const { return prefill_seconds > 0 ? static_cast<double>(prompt_tokens) / prefill_seconds : 0; }
  double decode_rate() const { return decode_seconds > 0 ? static_cast<double>(decoded_tokens) / decode_seconds : 0; }
};

struct generation {
  struct sequence {
    std::vector<std::int32_t> tokens = {};
    ending end = ending::enough;
  };
  std::vector<sequence> sequences;  ///< one a prompt
  generation_figures figures;
};

/// Throws input_error for prompts that the model cannot read.
inline void check_prompts(model_config const& config, std::span<std::vector<std::int32_t> const> prompts) {
  for (auto const& prompt : prompts) {
    if (prompt.empty()) throw input_error("a prompt has no tokens; expected a text that the tokenizer makes some of");
    if (std::ssize(prompt) > config.max_length)
      throw input_error("a prompt has " + std::to_string(prompt.size()) + " tokens; the model reads at most " +
                        std::to_string(config.max_length));
    for (auto const token : prompt)
      if (token < 0 || token >= config.vocabulary)
        throw input_error("a prompt has the token id " + std::to_string(token) + "; the model's vocabulary has " +
                          std::to_string(config.vocabulary) + ", so the tokenizer is another model's");
  }
}

namespace detail {

/// One prompt and what follows it.
struct growing_sequence {
  index number;    ///< of those that run passes
  index capacity;  ///< tokens that there is room for
  amq::sampler sampler;
  index length = 0;      ///< tokens that passes have read
  std::size_t read = 0;  ///< of them, tokens of the prompt
  bool done = false;
};

/// Everything of one call of generate().
template <passes Passes, class OnToken>
class generation_run {
 public:
  generation_run(Passes& run_by, std::span<std::vector<std::int32_t> const> prompts, generation_options const& options,
                 OnToken const& on_token)
      : passes_(run_by), prompts_(prompts), options_(options), on_token_(on_token) {
    result_.sequences.resize(prompts.size());
    result_.figures.bytes_per_pass = passes_.bytes_per_pass();
  }
  generation_run(generation_run const&) = delete;
  generation_run& operator=(generation_run const&) = delete;
  ~generation_run() {
    for (auto const& own : growing_) passes_.close(own.number);
  }

  generation run() {
    for (std::size_t i = 0; i < prompts_.size(); ++i) {
      index const room = std::min(passes_.config().max_length, std::ssize(prompts_[i]) + options_.tokens);
      sampler draws(options_.sampling, options_.seed, i);
      growing_.push_back({passes_.open(room), room, std::move(draws)});
    }
    auto const start = clock::now();
    while (read_prompts()) {
    }
    auto const read = clock::now();
    while (decode()) {
    }
    result_.figures.prefill_seconds = seconds(read - start);
    result_.figures.decode_seconds = seconds(clock::now() - read);
    return std::move(result_);
  }

 private:
  using clock = std::chrono::steady_clock;
  static double seconds(clock::duration d) { return std::chrono::duration<double>(d).count(); }

  /// One pass over what fits of the prompts that are left; false when none was.
  bool read_prompts() {
    start_pass();
    index left = options_.pass_tokens;
    for (std::size_t i = 0; i < prompts_.size() && left > 0; ++i) {
      auto& own = growing_[i];
      auto const rest = std::span(prompts_[i]).subspan(own.read);
      auto const some = rest.first(std::min(rest.size(), static_cast<std::size_t>(left)));
      if (some.empty()) continue;
      add(i, some);
      own.read += some.size();
      left -= std::ssize(some);
    }
    if (parts_.empty()) return false;
    result_.figures.prompt_tokens += std::ssize(tokens_);
    auto const logits = passes_.run(parts_, tokens_);
    for (std::size_t part = 0; part < parts_.size(); ++part)
      if (growing_[in_pass_[part]].read == prompts_[in_pass_[part]].size()) choose(part, logits);
    return true;
  }

  /// One more token for each sequence that is not done; false when all are.
  bool decode() {
    start_pass();
    for (std::size_t i = 0; i < prompts_.size(); ++i)
      if (!growing_[i].done) add(i, std::span<std::int32_t const>(result_.sequences[i].tokens).last(1));
    if (parts_.empty()) return false;
    result_.figures.decoded_tokens += std::ssize(parts_);
    ++result_.figures.decode_passes;
    auto const logits = passes_.run(parts_, tokens_);
    for (std::size_t part = 0; part < parts_.size(); ++part) choose(part, logits);
    return true;
  }

  void start_pass() {
    parts_.clear();
    tokens_.clear();
    in_pass_.clear();
  }

  void add(std::size_t sequence, std::span<std::int32_t const> tokens) {
    auto& own = growing_[sequence];
    own.length += std::ssize(tokens);
    parts_.push_back({own.number, std::ssize(tokens)});
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
    in_pass_.push_back(sequence);
  }

  void choose(std::size_t part, matrix_view<float const> logits) {
    std::size_t const i = in_pass_[part];
    auto& own = growing_[i];
    auto& sequence = result_.sequences[i];
    std::int32_t const token = own.sampler(logits.row(static_cast<index>(part)));
    if (std::find(options_.stop.begin(), options_.stop.end(), token) != options_.stop.end()) {
      sequence.end = ending::stop_token;
      own.done = true;
      return;
    }
    sequence.tokens.push_back(token);
    on_token_(static_cast<index>(i), token);
    bool const enough = std::ssize(sequence.tokens) >= options_.tokens;
    bool const full = own.length == own.capacity;
    own.done = enough || full;
    if (full && !enough) sequence.end = ending::context_full;
  }

  Passes& passes_;
  std::span<std::vector<std::int32_t> const> prompts_;
  generation_options const& options_;
  OnToken const& on_token_;
  std::vector<growing_sequence> growing_;
  std::vector<pass_part> parts_;
  std::vector<std::int32_t> tokens_;
  std::vector<std::size_t> in_pass_;
  generation result_;
};

}  // namespace detail

/// What the model writes after each of the prompts (token ids), by whoever runs its passes. `on_token(prompt, token)`
/// is called as soon as a token is chosen, on this thread. Prompts are read `pass_tokens` rows at a time, all in one
/// batch whatever their lengths; then a pass gives one token for each sequence, so that weights are read once for all.
/// Same model, prompts, options: same tokens, for any number of workers; a prompt's tokens do not depend on the others
/// but for how products of one and of many rows are rounded. Memory: a key/value cache for each prompt and all that
/// follows it. Throws input_error for empty prompts, prompts longer than the model reads, foreign token ids, and for
/// logits that are not numbers.
template <passes Passes, class OnToken>
generation generate(Passes& run_by, std::span<std::vector<std::int32_t> const> prompts,
                    generation_options const& options, OnToken const& on_token) {
  AMQ_EXPECTS(options.tokens >= 1 && options.pass_tokens >= 1,
              "generate() makes at least one token, of passes of at least one");
  check_prompts(run_by.config(), prompts);
  return detail::generation_run<Passes, OnToken>(run_by, prompts, options, on_token).run();
}

/// The same on the host.
template <class Executor, class OnToken>
generation generate(running_model const& model, std::span<std::vector<std::int32_t> const> prompts,
                    generation_options const& options, Executor& executor, OnToken const& on_token) {
  host_passes<Executor> on_host(model, options.precision, executor);
  return generate(on_host, prompts, options, on_token);
}

}  // namespace amq
