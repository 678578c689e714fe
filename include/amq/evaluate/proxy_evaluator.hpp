// Measures configurations for real: bank -> model -> fused head and loss, one sequence of calibration tokens at a time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/evaluator.hpp"
#include "amq/concepts/loss.hpp"
#include "amq/core/executor.hpp"
#include "amq/core/precision.hpp"
#include "amq/core/statistics.hpp"
#include "amq/evaluate/bank.hpp"
#include "amq/evaluate/loss.hpp"
#include "amq/evaluate/reference.hpp"
#include "amq/evaluate/streamed_pass.hpp"

namespace amq {
namespace detail {

/// The number of sequences that a part of `count` of them is. Throws precondition_error unless it is a whole one.
inline index whole_sequences(double fidelity, index count) {
  double const part = fidelity * static_cast<double>(count), rounded = std::round(part);
  AMQ_EXPECTS(rounded >= 1 && fidelity <= 1 && std::abs(part - rounded) < 1e-6,
              "a part of " + std::to_string(count) + " sequences is a whole number of them, not " +
                  std::to_string(part) + "; choose stages of the search that fit them");
  return static_cast<index>(rounded);
}

/// The mean over the sequences, or why there is none.
inline void conclude(measurement& measured) {
  measured.loss = mean(measured.sequence_losses);
  if (!std::isfinite(measured.loss)) measured.error = "the loss is not finite: the quantized model's logits overflow";
}

}  // namespace detail

/// Losses against the unquantized model on calibration tokens, weights from a bank that is filled already. Model,
/// tokens and executor must outlive it. Candidates' linear layers are multiplied in `precision`, all else is f32: the
/// reference, attention, norms, the output head. In f32 a loss is that of the dequantized weights, bit for bit.
///
/// A configuration's loss has the same bits whatever batch, neighbours or number of threads it is measured with.
/// Neighbours of a batch that begin with equal blocks share the work of those blocks, which is what makes sensitivities
/// (one layer varied at a time) cheap. A configuration with matrices that no kernel reads shares nothing: one block's
/// of them at a time become f32 while all sequences pass it.
template <class Model, loss Loss, class Executor>
class bank_evaluator {
 public:
  /// Runs the unquantized model once. Throws precondition_error for sequences too short to predict anything.
  bank_evaluator(Model const& model, token_sequences const& tokens, bank filled, Loss loss_policy, Executor& executor,
                 amq::precision precision = amq::precision::f32)
      : model_(&model),
        tokens_(&tokens),
        loss_(std::move(loss_policy)),
        executor_(&executor),
        precision_(precision),
        reference_(model, tokens, executor, reference_model::default_cache_bytes, reference_form_of<Loss>),
        bank_(std::move(filled)) {
    workers_.reserve(static_cast<std::size_t>(executor.workers()));
    for (int i = 0; i < executor.workers(); ++i) workers_.emplace_back(precision);
    static_assert(diagnose_causal_model<Model>());
    AMQ_EXPECTS(tokens.length() >= 2,
                "a loss needs sequences of at least 2 tokens, not " + std::to_string(tokens.length()));
  }

  /// out[i] measures batch[i]; out is as long as batch.
  void evaluate(std::span<configuration const> batch, std::span<measurement> out) {
    evaluate_each(batch, [&](std::size_t i, measurement&& measured) {
      out[i] = std::move(measured);
      return true;
    });
  }

  amq::bank const& bank() const { return bank_; }
  amq::precision precision() const { return precision_; }

  /// How many calibration sequences there are: parts are whole numbers of them.
  index sequences() const { return tokens_->count(); }

  /// The same on the first `fidelity` of the sequences, at that share of the cost: exactly what the whole measurement
  /// finds for them. Throws precondition_error unless that is a whole number of sequences, at least one: an evaluation
  /// counts by its fidelity, so it has to be the true one.
  void evaluate_part(std::span<configuration const> batch, double fidelity, std::span<measurement> out) {
    measure_each(batch, detail::whole_sequences(fidelity, sequences()), [&](std::size_t i, measurement&& measured) {
      out[i] = std::move(measured);
      return true;
    });
  }

  /// Calls sink(i, measurement&&) for each configuration in order, until it returns false.
  template <class Sink>
  void evaluate_each(std::span<configuration const> batch, Sink&& sink) {
    measure_each(batch, tokens_->count(), sink);
  }

 private:
  struct worker : detail::pass_worker<Model> {
    using detail::pass_worker<Model>::pass_worker;
    head_scratch head;
    std::vector<double> positions;
  };

  /// Hidden states of the first sequences after the first `blocks` blocks of a configuration.
  struct prefix {
    configuration genes;
    int blocks = 0;
    std::vector<matrix<float>> hidden;
  };

  template <class Sink>
  void measure_each(std::span<configuration const> batch, index sequences, Sink&& sink) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      // Equal neighbours share all blocks but the last, so that there is always one to run and a state to begin it
      // with.
      int const shared =
          i + 1 < batch.size() ? std::min(equal_blocks(batch[i], batch[i + 1]), model_->blocks() - 1) : 0;
      auto const start = std::chrono::steady_clock::now();
      auto result =
          bank_.ready(batch[i]) ? measure(batch[i], shared, sequences) : measure_streamed(batch[i], sequences);
      detail::conclude(result);
      result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      if (!sink(i, std::move(result))) return;
    }
  }

  measurement measure(configuration const& genes, int shared, index sequences) {
    bool const begun = prefix_.blocks > 0 && std::ssize(prefix_.hidden) >= sequences &&
                       equal_blocks(prefix_.genes, genes) >= prefix_.blocks;
    int const known = begun ? prefix_.blocks : 0;
    int const keep = shared > known ? shared : 0;
    std::vector<matrix<float>> kept(keep > 0 ? static_cast<std::size_t>(sequences) : 0);
    auto const matrix_of = [&](index layer) -> weight_matrix const& {
      return *bank_.ready(layer, genes[static_cast<std::size_t>(layer)]);
    };

    measurement result;
    result.sequence_losses.resize(static_cast<std::size_t>(sequences));
    executor_->for_each(sequences, [&](index sequence, int id) {
      auto const s = static_cast<std::size_t>(sequence);
      auto& own = workers_[static_cast<std::size_t>(id)];
      begin(own.state, sequence, known);
      for (int block = known; block < model_->blocks(); ++block) {
        if (keep > 0 && block == keep) kept[s] = own.state.hidden.clone();
        model_->block(block, own.state, product_weights(matrix_of, own.multiply));
      }
      model_->head(own.state, [&](matrix_view<float const> candidate) {
        result.sequence_losses[s] = loss_of(own, sequence, candidate);
      });
    });
    if (keep > 0) prefix_ = {genes, keep, std::move(kept)};
    return result;
  }

  measurement measure_streamed(configuration const& genes, index sequences) {
    auto const prepare = [&](index layer) -> weight_matrix {
      auto const choice = genes[static_cast<std::size_t>(layer)];
      if (auto const* const ready = bank_.ready(layer, choice)) return ready->view();
      return dense_matrix(bank_.stored(layer, choice).dequantized());
    };
    auto const hidden = streamed_pass(*model_, tokens_->first(sequences), prepare, *executor_, precision_);
    measurement result;
    result.sequence_losses.resize(hidden.size());
    executor_->for_each(sequences, [&](index sequence, int id) {
      auto const s = static_cast<std::size_t>(sequence);
      result.sequence_losses[s] = loss_of(workers_[static_cast<std::size_t>(id)], sequence, hidden[s]);
    });
    return result;
  }

  void begin(typename Model::state& state, index sequence, int known) const {
    model_->embed(tokens_->sequence(sequence), state);
    if (known > 0) state.hidden = prefix_.hidden[static_cast<std::size_t>(sequence)].clone();
  }

  double loss_of(worker& own, index sequence, matrix_view<float const> candidate) const {
    return sequence_loss(reference_, loss_, sequence, tokens_->sequence(sequence), candidate, own.head, own.positions);
  }

  /// Leading blocks in which two configurations agree.
  int equal_blocks(configuration const& a, configuration const& b) const {
    int blocks = model_->blocks();
    auto const linears = std::span<linear_layer const>(model_->linears());
    for (std::size_t layer = 0; layer < linears.size(); ++layer)
      if (a[layer] != b[layer]) blocks = std::min(blocks, linears[layer].block);
    return blocks;
  }

  Model const* model_;
  token_sequences const* tokens_;
  Loss loss_;
  Executor* executor_;
  amq::precision precision_;
  reference_model reference_;
  amq::bank bank_;
  std::vector<worker> workers_;
  prefix prefix_;
};

/// The evaluator of AMQ's search (arXiv 2509.12019, section 4.2): a bank_evaluator whose bank a cheap quantizer fills,
/// one quantization for each (layer, choice). Throws input_error, naming the layer, for what cannot be quantized.
template <class Model, matrix_quantizer Quantizer, loss Loss = jsd, class Executor = serial_executor>
class proxy_evaluator : public bank_evaluator<Model, Loss, Executor> {
 public:
  /// `statistics(layer)` -> layer_statistics is what a proxy that needs them (`needs_statistics`) knows of each layer's
  /// inputs; others do not ask.
  template <search_space Space, class Statistics = no_statistics>
  proxy_evaluator(Model const& model, token_sequences const& tokens, Space const& space, Quantizer const& quantizer,
                  Loss loss_policy, Executor& executor, Statistics const& statistics = {},
                  amq::precision precision = amq::precision::f32)
      : bank_evaluator<Model, Loss, Executor>(model, tokens, amq::bank(model, space, quantizer, executor, statistics),
                                              std::move(loss_policy), executor, precision) {}
};

}  // namespace amq
