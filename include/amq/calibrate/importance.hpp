// How much the prunable parts of a model do on calibration tokens: groups of heads and feed-forward channels.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "amq/calibrate/block_walk.hpp"
#include "amq/calibrate/block_weights.hpp"
#include "amq/model/llama.hpp"
#include "amq/text/tokens.hpp"

namespace amq {

/// Of one block: a number for each key/value head (with the heads that share it) and each feed-forward channel, the
/// share of the hidden states' energy behind the block that it adds.
struct block_importance {
  std::vector<double> groups;
  std::vector<double> channels;
};

namespace detail {

/// (||W[:, j]|| * ||X[:, j]||)^2 for each input j: what it adds to the outputs, squared and summed over tokens, as if
/// alone.
inline std::vector<double> column_energies(matrix_view<float const> weights, std::span<float const> norms) {
  std::vector<double> energies(static_cast<std::size_t>(weights.cols), 0.0);
  for (index row = 0; row < weights.rows; ++row)
    for (index col = 0; col < weights.cols; ++col) {
      double const w = weights(row, col);
      energies[static_cast<std::size_t>(col)] += w * w;
    }
  for (std::size_t col = 0; col < energies.size(); ++col) energies[col] *= double{norms[col]} * double{norms[col]};
  return energies;
}

/// Sums of `parts` equal stretches.
inline std::vector<double> sums_of_stretches(std::span<double const> values, index parts) {
  std::vector<double> sums(static_cast<std::size_t>(parts), 0.0);
  std::size_t const length = values.size() / sums.size();
  for (std::size_t i = 0; i < values.size(); ++i) sums[i / length] += values[i];
  return sums;
}

/// Mean over sequences of the squared norm.
inline double mean_energy(std::span<matrix<float> const> hidden) {
  double sum = 0;
  for (auto const& sequence : hidden)
    for (index i = 0; i < sequence.size(); ++i) sum += double{sequence.data()[i]} * double{sequence.data()[i]};
  return sum / static_cast<double>(hidden.size());
}

}  // namespace detail

/// By weight and activation norm (as Wanda, arXiv 2306.11695, for whole structures as LLM-Pruner, 2305.11627, removes
/// them): a head matters through o_proj's columns, a channel through down_proj's. Relative to the hidden states behind
/// its block, so that blocks compare. One pass over the tokens; memory as block_walk. The same bits for any number of
/// workers. Throws input_error for activations that are not finite.
template <class Executor>
std::vector<block_importance> measure_importance(llama const& model, token_sequences const& tokens,
                                                 Executor& executor) {
  std::vector<block_importance> all;
  block_walk walk(model, tokens, executor);
  while (!walk.finished()) {
    int const block = walk.block();
    block_weights const weights(model, walk.layers(), executor);
    auto const statistics = walk.collect(weights, {.hessian = false});
    auto const energies = [&](linear_kind kind) {
      index const layer = index{block} * linears_per_block + static_cast<index>(kind);
      return detail::column_energies(model.weight(layer), statistics.layer(layer).channel_norms);
    };
    block_importance one{
        detail::sums_of_stretches(energies(linear_kind::output), model.config().shape(block).key_value_heads),
        energies(linear_kind::down)};
    walk.advance(weights);
    double const whole = detail::mean_energy(walk.inputs());
    for (auto* const values : {&one.groups, &one.channels})
      for (double& value : *values) value /= whole;
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace amq
