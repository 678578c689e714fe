// A forward pass that holds the prepared weights of one block at a time: for references and for single measurements.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/causal_model.hpp"
#include "amq/core/executor.hpp"
#include "amq/core/precision.hpp"
#include "amq/kernel/product_weights.hpp"
#include "amq/kernel/products.hpp"
#include "amq/kernel/weight_matrix.hpp"
#include "amq/text/tokens.hpp"

namespace amq {

/// The source's own weights, for `streamed_pass`.
template <class Model>
auto source_layers(Model const& model) {
  return [&model](index layer) { return dense_matrix(model.weight(layer)); };
}

namespace detail {

/// What one thread of a forward pass reuses.
template <class Model>
struct pass_worker {
  typename Model::state state;
  products<serial_executor const> multiply;

  explicit pass_worker(precision rounded) : multiply(rounded, on_this_thread) {}
};

/// The layers of one block, in checkpoint order.
inline std::vector<index> layers_of_block(std::span<linear_layer const> linears, int block) {
  std::vector<index> members;
  for (index layer = 0; layer < std::ssize(linears); ++layer)
    if (linears[static_cast<std::size_t>(layer)].block == block) members.push_back(layer);
  return members;
}

}  // namespace detail

/// Final-normed hidden states (tokens, hidden) of every sequence. `prepare(layer)` -> weight_matrix (or a matrix that
/// becomes one) is called once a layer, from the executor's threads. Memory: one block's prepared weights and one
/// hidden state a sequence.
template <class Model, class Prepare, class Executor>
std::vector<matrix<float>> streamed_pass(Model const& model, token_sequences const& tokens, Prepare const& prepare,
                                         Executor& executor, precision rounded = precision::f32) {
  static_assert(diagnose_causal_model<Model>());
  std::vector<detail::pass_worker<Model>> workers;
  workers.reserve(static_cast<std::size_t>(executor.workers()));
  for (int i = 0; i < executor.workers(); ++i) workers.emplace_back(rounded);
  std::vector<matrix<float>> hidden(static_cast<std::size_t>(tokens.count()));

  auto const for_sequences = [&](auto const& step) {
    executor.for_each(tokens.count(), [&](index sequence, int id) {
      auto& own = workers[static_cast<std::size_t>(id)];
      auto& kept = hidden[static_cast<std::size_t>(sequence)];
      std::swap(own.state.hidden, kept);
      step(own, sequence);
      std::swap(own.state.hidden, kept);
    });
  };
  for_sequences([&](auto& own, index sequence) { model.embed(tokens.sequence(sequence), own.state); });
  for (int block = 0; block < model.blocks(); ++block) {
    auto const members = detail::layers_of_block(model.linears(), block);
    std::vector<std::optional<weight_matrix>> prepared(model.linears().size());
    executor.for_each(std::ssize(members), [&](index i, int) {
      index const layer = members[static_cast<std::size_t>(i)];
      prepared[static_cast<std::size_t>(layer)].emplace(prepare(layer));
    });
    auto const matrix_of = [&](index layer) -> weight_matrix const& {
      return *prepared[static_cast<std::size_t>(layer)];
    };
    for_sequences([&](auto& own, index) { model.block(block, own.state, product_weights(matrix_of, own.multiply)); });
  }
  for_sequences([&](auto& own, index) {
    model.head(own.state, [&](matrix_view<float const> normed) { own.state.hidden = clone(normed); });
  });
  return hidden;
}

}  // namespace amq
