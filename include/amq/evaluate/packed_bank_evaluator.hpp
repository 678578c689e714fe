// Measures configurations from packed codes: a bank of an eighth of the memory, for models whose f32 copies do not fit.
#pragma once

#include <chrono>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/evaluator.hpp"
#include "amq/concepts/loss.hpp"
#include "amq/core/statistics.hpp"
#include "amq/evaluate/bank.hpp"
#include "amq/evaluate/loss.hpp"
#include "amq/evaluate/reference.hpp"
#include "amq/evaluate/streamed_pass.hpp"

namespace amq {

/// As bank_evaluator, the same losses bit for bit, but one block's weights at a time are turned into numbers while all
/// sequences pass it. Neighbours of a batch share nothing. Model, tokens and executor must outlive it.
template <class Model, loss Loss, class Executor>
class packed_bank_evaluator {
 public:
  /// Runs the unquantized model once. Throws precondition_error for sequences too short to predict anything.
  packed_bank_evaluator(Model const& model, token_sequences const& tokens, packed_bank filled, Loss loss_policy,
                        Executor& executor)
      : model_(&model),
        tokens_(&tokens),
        loss_(std::move(loss_policy)),
        executor_(&executor),
        reference_(model, tokens, executor),
        bank_(std::move(filled)),
        workers_(static_cast<std::size_t>(executor.workers())) {
    static_assert(diagnose_causal_model<Model>());
    AMQ_EXPECTS(tokens.length() >= 2,
                "a loss needs sequences of at least 2 tokens, not " + std::to_string(tokens.length()));
  }

  /// out[i] measures batch[i]; out is as long as batch.
  void evaluate(std::span<configuration const> batch, std::span<measurement> out) {
    for (std::size_t i = 0; i < batch.size(); ++i) out[i] = measure(batch[i]);
  }

  /// Calls sink(i, measurement&&) for each configuration in order, until it returns false.
  template <class Sink>
  void evaluate_each(std::span<configuration const> batch, Sink&& sink) {
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (!sink(i, measure(batch[i]))) return;
  }

 private:
  struct worker {
    head_scratch head;
    std::vector<double> positions;
  };

  measurement measure(configuration const& genes) {
    auto const start = std::chrono::steady_clock::now();
    auto const prepare = [&](index layer) {
      auto const* const stored = bank_.at(layer, genes[static_cast<std::size_t>(layer)]);
      return dense_matrix(stored ? stored->dequantized() : model_->weight(layer));
    };
    auto const hidden = streamed_pass(*model_, *tokens_, prepare, *executor_);
    measurement result;
    result.sequence_losses.resize(hidden.size());
    executor_->for_each(tokens_->count(), [&](index sequence, int id) {
      auto& own = workers_[static_cast<std::size_t>(id)];
      result.sequence_losses[static_cast<std::size_t>(sequence)] =
          sequence_loss(reference_, loss_, sequence, tokens_->sequence(sequence),
                        hidden[static_cast<std::size_t>(sequence)], own.head, own.positions);
    });
    result.loss = mean(result.sequence_losses);
    if (!std::isfinite(result.loss)) result.error = "the loss is not finite: the quantized model's logits overflow";
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
  }

  Model const* model_;
  token_sequences const* tokens_;
  Loss loss_;
  Executor* executor_;
  reference_model reference_;
  packed_bank bank_;
  std::vector<worker> workers_;
};

}  // namespace amq
