// A streaming pass over a model's blocks for calibration: hidden states in, statistics out, block after block.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/calibrate/block_statistics.hpp"
#include "amq/calibrate/detail/block_collector.hpp"
#include "amq/calibrate/detail/input_recorder.hpp"
#include "amq/calibrate/observed_weights.hpp"
#include "amq/concepts/causal_model.hpp"
#include "amq/core/error.hpp"
#include "amq/text/tokens.hpp"

namespace amq {

/// Stands before one block at a time, with the hidden states that enter it; the caller decides with which weights they
/// were computed, by what it hands to `advance`:
///
///     block_walk walk(model, tokens, executor);
///     while (!walk.finished()) {
///       block_weights weights(model, walk.layers(), executor);
///       block_statistics const statistics = walk.collect(weights, {.hessian = true});
///       for (index const layer : walk.layers()) weights.replace(layer, quantized(layer, statistics.layer(layer)));
///       walk.advance(weights);
///     }
///
/// Memory: the hidden states, tokens * hidden * 4 bytes (twice with the unquantized stream), whatever the depth; what
/// `collect` returns; and while it runs, the inputs of as many sequences as there are workers (or 128 MiB of them).
/// Results are the same bits for any number of workers. Model, tokens and executor must outlive the walk.
template <causal_model Model, class Executor>
class block_walk {
 public:
  /// `unquantized_stream`: a second set of hidden states, computed with whatever weights `advance_unquantized` is
  /// given, for statistics of the drift between the two.
  block_walk(Model const& model, token_sequences const& tokens, Executor& executor, bool unquantized_stream = false)
      : model_(&model),
        executor_(&executor),
        inputs_(static_cast<std::size_t>(tokens.count())),
        states_(static_cast<std::size_t>(executor.workers())) {
    executor.for_each(tokens.count(), [&](index sequence, int worker) {
      auto& state = states_[static_cast<std::size_t>(worker)];
      model.embed(tokens.sequence(sequence), state);
      inputs_[static_cast<std::size_t>(sequence)] = std::exchange(state.hidden, {});
    });
    if (unquantized_stream)
      for (auto const& hidden : inputs_) unquantized_.push_back(hidden.clone());
    find_layers();
  }

  bool finished() const { return block_ >= model_->blocks(); }
  /// The block that the walk stands before.
  int block() const { return block_; }
  /// Its linear layers, indices into `model.linears()`.
  std::span<index const> layers() const { return layers_; }
  index sequences() const { return static_cast<index>(inputs_.size()); }

  /// The hidden states (tokens, hidden) of each sequence that enter the block.
  std::span<matrix<float> const> inputs() const { return inputs_; }
  /// The same of the unquantized stream; empty without it.
  std::span<matrix<float> const> unquantized_inputs() const { return unquantized_; }

  /// Runs the block with `weights` on every sequence and calls visit(sequence, hidden), hidden (tokens, hidden) being
  /// the block's outputs, from the executor's threads. The walk stays where it is.
  template <linear_weights Weights, class Visit>
  void run(Weights const& weights, Visit const& visit) {
    expect_block();
    executor_->for_each(sequences(), [&](index sequence, int worker) {
      visit(sequence, run_block(inputs_[static_cast<std::size_t>(sequence)], worker, weights));
    });
  }

  /// What the block's linear layers are given when it runs with `weights`. With `drift`, the unquantized stream runs
  /// with the same weights. Throws input_error that names the layer where an activation is NaN or infinite.
  template <linear_weights Weights>
  block_statistics collect(Weights const& weights, statistics_options options = {}) {
    expect_block();
    AMQ_EXPECTS(!options.drift || !unquantized_.empty(),
                "statistics of the drift need a block_walk that keeps the unquantized stream");
    detail::block_collector collector(sequences(), options);
    index const batch = batch_size();
    for (index first = 0; first < sequences(); first += batch) {
      std::vector<detail::sequence_inputs> seen(static_cast<std::size_t>(std::min(batch, sequences() - first)));
      executor_->for_each(static_cast<index>(seen.size()), [&](index i, int worker) {
        seen[static_cast<std::size_t>(i)] = observe(first + i, worker, weights, options);
      });
      collector.add(seen, *executor_);
    }
    return collector.finish(*executor_);
  }

  /// The block's outputs with `weights` become the inputs of the next block, before which the walk then stands. With an
  /// unquantized stream, that one is advanced first, by `advance_unquantized`.
  template <linear_weights Weights>
  void advance(Weights const& weights) {
    expect_block();
    AMQ_EXPECTS(unquantized_.empty() || unquantized_block_ == block_ + 1,
                "block_walk::advance comes after advance_unquantized");
    replace_by_outputs(inputs_, weights);
    ++block_;
    find_layers();
  }

  template <linear_weights Weights>
  void advance_unquantized(Weights const& weights) {
    expect_block();
    AMQ_EXPECTS(!unquantized_.empty() && unquantized_block_ == block_,
                "block_walk::advance_unquantized is called once a block, on a walk with an unquantized stream");
    replace_by_outputs(unquantized_, weights);
    ++unquantized_block_;
  }

 private:
  static constexpr index batch_bytes = index{128} << 20;

  void expect_block() const { AMQ_EXPECTS(!finished(), "block_walk: the last block has been passed"); }

  void find_layers() {
    layers_.clear();
    auto const linears = std::span<linear_layer const>(model_->linears());
    for (std::size_t layer = 0; layer < linears.size(); ++layer)
      if (linears[layer].block == block_) layers_.push_back(static_cast<index>(layer));
  }

  /// Sequences whose inputs are held at once. No result depends on it.
  index batch_size() const {
    index floats = 1;
    for (index const layer : layers_) floats += model_->linears()[static_cast<std::size_t>(layer)].cols;
    if (!inputs_.empty()) floats *= inputs_.front().rows();
    return std::max<index>(executor_->workers(), batch_bytes / (static_cast<index>(sizeof(float)) * floats));
  }

  template <linear_weights Weights>
  matrix_view<float const> run_block(matrix_view<float const> input, int worker, Weights const& weights) {
    auto& state = states_[static_cast<std::size_t>(worker)];
    state.hidden = clone(input);
    model_->block(block_, state, weights);
    return state.hidden;
  }

  template <linear_weights Weights>
  void replace_by_outputs(std::vector<matrix<float>>& hidden, Weights const& weights) {
    executor_->for_each(sequences(), [&](index sequence, int worker) {
      auto& state = states_[static_cast<std::size_t>(worker)];
      auto& own = hidden[static_cast<std::size_t>(sequence)];
      std::swap(state.hidden, own);
      model_->block(block_, state, weights);
      std::swap(state.hidden, own);
    });
  }

  template <linear_weights Weights>
  std::vector<detail::recorded_input> record(index sequence, matrix_view<float const> input, int worker,
                                             Weights const& weights) {
    detail::input_recorder recorder(model_->linears(), sequence);
    run_block(input, worker, observed_weights(weights, recorder));
    return recorder.take();
  }

  template <linear_weights Weights>
  detail::sequence_inputs observe(index sequence, int worker, Weights const& weights, statistics_options options) {
    auto const at = static_cast<std::size_t>(sequence);
    auto const recorded = record(sequence, inputs_[at], worker, weights);
    if (!options.drift) return detail::summarize(recorded, {}, sequence, sequences(), options);
    auto const unquantized = record(sequence, unquantized_[at], worker, weights);
    return detail::summarize(recorded, unquantized, sequence, sequences(), options);
  }

  Model const* model_;
  Executor* executor_;
  std::vector<matrix<float>> inputs_;
  std::vector<matrix<float>> unquantized_;
  std::vector<typename Model::state> states_;
  std::vector<index> layers_;
  int block_ = 0;
  int unquantized_block_ = 0;
};

}  // namespace amq
