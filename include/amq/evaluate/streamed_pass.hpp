// A forward pass that holds the prepared weights of one block at a time: for references and for single measurements.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "amq/concepts/causal_model.hpp"
#include "amq/evaluate/weights.hpp"
#include "amq/text/tokens.hpp"

namespace amq {

/// The source's own weights, for `streamed_pass`.
template <class Model>
auto source_layers(Model const& model) {
  return [&model](index layer) { return dense_matrix(model.weight(layer)); };
}

/// Final-normed hidden states (tokens, hidden) of every sequence. `prepare(layer)` -> dense_matrix is called once a
/// layer, from the executor's threads. Memory: one block's prepared weights and one hidden state a sequence.
template <class Model, class Prepare, class Executor>
std::vector<matrix<float>> streamed_pass(Model const& model, token_sequences const& tokens, Prepare const& prepare,
                                         Executor& executor) {
  static_assert(diagnose_causal_model<Model>());
  auto const linears = std::span<linear_layer const>(model.linears());
  auto const layers = static_cast<index>(linears.size());
  std::vector<matrix<float>> hidden(static_cast<std::size_t>(tokens.count()));
  std::vector<typename Model::state> states(static_cast<std::size_t>(executor.workers()));

  auto const with_state = [&](index sequence, int worker, auto const& step) {
    auto& state = states[static_cast<std::size_t>(worker)];
    auto& own = hidden[static_cast<std::size_t>(sequence)];
    std::swap(state.hidden, own);
    step(state);
    std::swap(state.hidden, own);
  };
  executor.for_each(tokens.count(), [&](index sequence, int worker) {
    with_state(sequence, worker, [&](auto& state) { model.embed(tokens.sequence(sequence), state); });
  });
  for (int block = 0; block < model.blocks(); ++block) {
    std::vector<index> members;
    for (index layer = 0; layer < layers; ++layer)
      if (linears[static_cast<std::size_t>(layer)].block == block) members.push_back(layer);
    std::vector<std::optional<dense_matrix>> prepared(members.size());
    executor.for_each(static_cast<index>(members.size()), [&](index i, int) {
      prepared[static_cast<std::size_t>(i)].emplace(prepare(members[static_cast<std::size_t>(i)]));
    });
    layer_weights weights(layers);
    for (std::size_t i = 0; i < members.size(); ++i) weights.set(members[i], *prepared[i]);
    executor.for_each(tokens.count(), [&](index sequence, int worker) {
      with_state(sequence, worker, [&](auto& state) { model.block(block, state, weights); });
    });
  }
  executor.for_each(tokens.count(), [&](index sequence, int worker) {
    with_state(sequence, worker, [&](auto& state) {
      model.head(state, [&](matrix_view<float const> normed) { state.hidden = clone(normed); });
    });
  });
  return hidden;
}

}  // namespace amq
