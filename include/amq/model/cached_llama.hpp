// The Llama family's blocks for new tokens of several sequences at once, each with a cache of the tokens before.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/causal_model.hpp"
#include "amq/core/error.hpp"
#include "amq/core/executor.hpp"
#include "amq/core/simd/elementwise.hpp"
#include "amq/model/block_parameters.hpp"
#include "amq/model/config.hpp"
#include "amq/model/kv_cache.hpp"
#include "amq/model/norm.hpp"
#include "amq/model/projections.hpp"
#include "amq/model/rope.hpp"

namespace amq {

/// The next `tokens` rows of a pass belong to the sequence of this cache.
struct sequence_part {
  kv_cache* cache = nullptr;
  index tokens = 0;
};

/// Rows on their way through the blocks: all that a pass needs, reused from pass to pass. Move-only.
struct cached_state {
  matrix<float> hidden;  ///< (tokens of all sequences, hidden size): embeddings before the pass, what comes out after
  matrix<float> normed;
  matrix<float> query;
  matrix<float> key;
  matrix<float> value;
  matrix<float> attended;
  matrix<float> gate;
  matrix<float> up;                         ///< where gate and up cannot be fused
  std::vector<std::vector<float>> scratch;  ///< one a worker
  rope_table rope;

  /// `rows` rows of `hidden`, whatever was in them.
  void start(index rows, index width) {
    if (hidden.rows() != rows || hidden.cols() != width) hidden = matrix<float>(rows, width);
  }
};

/// Holds norms and biases; matrices are multiplied through the caller's weights. Same arithmetic as `llama`: f32, and
/// with the same products the same bits. Immutable.
class cached_llama {
 public:
  cached_llama(model_config config, std::vector<block_parameters> parameters, std::vector<float> final_norm)
      : config_(std::move(config)),
        parameters_(std::move(parameters)),
        final_norm_(std::move(final_norm)),
        frequencies_(rope_frequencies(config_.rope, config_.head_size)) {}

  model_config const& config() const { return config_; }
  std::span<block_parameters const> parameters() const { return parameters_; }
  std::span<float const> final_norm() const { return final_norm_; }
  std::span<float const> frequencies() const { return frequencies_; }

  /// Runs all blocks over s.hidden, whose rows are the new tokens of each part in turn, and adds these tokens to the
  /// caches. Every linear layer is multiplied through `weights`. The executor's workers share rows and heads; results
  /// do not depend on their number.
  template <linear_weights W, class Executor>
  void run(std::span<sequence_part const> parts, cached_state& s, W const& weights, Executor& executor) const {
    index rows = 0;
    for (auto const& part : parts) {
      AMQ_EXPECTS(part.tokens >= 1, "each part of a pass has at least one token");
      rows += part.tokens;
      part.cache->reserve(part.tokens);
    }
    AMQ_EXPECTS(rows == s.hidden.rows(), "a pass of " + std::to_string(rows) + " tokens got " +
                                             std::to_string(s.hidden.rows()) + " rows of embeddings");
    s.rope.prepare(frequencies_, longest_room(parts));
    s.scratch.resize(static_cast<std::size_t>(executor.workers()));
    for (int block = 0; block < config_.blocks; ++block) {
      attention(block, parts, s, weights, executor);
      feed_forward(block, s, weights, executor);
    }
    for (auto const& part : parts) part.cache->advance(part.tokens);
  }

  /// The final norm of a row, in place; (hidden).
  void finish(std::span<float> row) const {
    simd::rms_norm(row.data(), final_norm_.data(), config_.norm_epsilon, row.data(), config_.hidden);
  }

 private:
  /// Positions that the caches have room for now: as rarely more as they grow.
  static index longest_room(std::span<sequence_part const> parts) {
    index longest = 0;
    for (auto const& part : parts) longest = std::max(longest, part.cache->block(0).capacity);
    return longest;
  }

  static void fit(matrix<float>& buffer, index rows, index cols) {
    if (buffer.rows() != rows || buffer.cols() != cols) buffer = matrix<float>(rows, cols);
  }

  template <linear_weights W, class Executor>
  void attention(int block, std::span<sequence_part const> parts, cached_state& s, W const& weights,
                 Executor& executor) const {
    auto const& own = parameters_[static_cast<std::size_t>(block)];
    index const rows = s.hidden.rows();
    fit(s.normed, rows, config_.hidden);
    fit(s.query, rows, config_.query_width(block));
    fit(s.key, rows, config_.key_value_width(block));
    fit(s.value, rows, config_.key_value_width(block));
    fit(s.attended, rows, config_.query_width(block));
    norm(s, own.attention_norm, executor);
    using enum linear_kind;
    detail::project<3>(block, own, {query, key, value}, {s.query.view(), s.key.view(), s.value.view()}, s.normed,
                       weights);
    if (config_.query_key_norm) {
      detail::rms_norm_heads(s.query, own.query_norm, config_.norm_epsilon);
      detail::rms_norm_heads(s.key, own.key_norm, config_.norm_epsilon);
    }
    attend(block, parts, s, executor);
    detail::project<1>(block, own, {output}, {s.normed.view()}, s.attended, weights);
    add_to_hidden(s);
  }

  template <linear_weights W, class Executor>
  void feed_forward(int block, cached_state& s, W const& weights, Executor& executor) const {
    auto const& own = parameters_[static_cast<std::size_t>(block)];
    index const rows = s.hidden.rows();
    fit(s.gate, rows, config_.shape(block).intermediate);
    norm(s, own.feed_forward_norm, executor);
    detail::project_gated(block, own, s.normed, s.gate, s.up, weights);
    detail::project<1>(block, own, {linear_kind::down}, {s.normed.view()}, s.gate, weights);
    add_to_hidden(s);
  }

  /// A few rows are not worth waking anybody up.
  template <class Executor, class Work>
  static void for_rows(index rows, Executor& executor, Work const& work) {
    constexpr index piece_rows = 16;
    executor.for_each((rows + piece_rows - 1) / piece_rows, [&](index piece, int) {
      for (index r = piece * piece_rows; r < std::min(rows, (piece + 1) * piece_rows); ++r) work(r);
    });
  }

  template <class Executor>
  void norm(cached_state& s, std::span<float const> weight, Executor& executor) const {
    for_rows(s.hidden.rows(), executor, [&](index r) {
      simd::rms_norm(s.hidden.row(r).data(), weight.data(), config_.norm_epsilon, s.normed.row(r).data(),
                     config_.hidden);
    });
  }

  static void add_to_hidden(cached_state& s) { simd::add(s.normed.data(), s.hidden.data(), s.hidden.size()); }

  /// Rotates, stores keys and values, and attends; a piece of work is one sequence's heads that share keys.
  template <class Executor>
  void attend(int block, std::span<sequence_part const> parts, cached_state& s, Executor& executor) const {
    std::vector<index> first_rows;
    index row = 0;
    for (auto const& part : parts) {
      first_rows.push_back(row);
      auto const& cache = part.cache->block(block);
      for (index t = 0; t < part.tokens; ++t) {
        s.rope.rotate(s.query.row(row + t), part.cache->length() + t);
        s.rope.rotate(s.key.row(row + t), part.cache->length() + t);
      }
      simd::append(cache, part.cache->length(), s.key.view().rows_from(row, part.tokens),
                   s.value.view().rows_from(row, part.tokens));
      row += part.tokens;
    }
    auto const shape = config_.shape(block);
    simd::attention_options const options{shape.heads, shape.key_value_heads,
                                          1 / std::sqrt(static_cast<float>(config_.head_size)),
                                          config_.windows[static_cast<std::size_t>(block)]};
    auto const attend_piece = [&](index piece, int worker) {
      auto const which = static_cast<std::size_t>(piece / shape.key_value_heads);
      auto const& part = parts[which];
      simd::attend_cached_head(part.cache->block(block), piece % shape.key_value_heads, part.cache->length(),
                               s.query.view().rows_from(first_rows[which], part.tokens),
                               s.attended.view().rows_from(first_rows[which], part.tokens), options,
                               s.scratch[static_cast<std::size_t>(worker)]);
    };
    index const pieces = std::ssize(parts) * shape.key_value_heads;
    if (attention_work(parts, s.query.cols()) < work_worth_sharing)
      serial_executor{}.for_each(pieces, attend_piece);
    else
      executor.for_each(pieces, attend_piece);
  }

  static constexpr index work_worth_sharing = 1 << 19;  ///< multiply-adds: some 20 microseconds of one core

  static index attention_work(std::span<sequence_part const> parts, index width) {
    index work = 0;
    for (auto const& part : parts) work += 2 * part.tokens * (part.cache->length() + part.tokens) * width;
    return work;
  }

  model_config config_;
  std::vector<block_parameters> parameters_;
  std::vector<float> final_norm_;
  std::vector<float> frequencies_;
};

}  // namespace amq
