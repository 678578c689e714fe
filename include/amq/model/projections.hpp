// A block's linear layers through the seam: those that read the same input together, where the weights can.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "amq/concepts/causal_model.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/simd/elementwise.hpp"
#include "amq/model/block_parameters.hpp"
#include "amq/model/layout.hpp"

namespace amq::detail {

inline index layer_of(int block, linear_kind kind) {
  return index{block} * linears_per_block + static_cast<index>(kind);
}

/// y += bias, each row; an empty bias is none.
inline void add_bias(std::span<float const> bias, matrix_view<float> y) {
  if (bias.empty()) return;
  for (index row = 0; row < y.rows; ++row) simd::add(bias.data(), y.row(row).data(), y.cols);
}

/// y = x W^T + bias for layers of one block that read the same x (tokens, cols).
template <std::size_t N, linear_weights W>
void project(int block, block_parameters const& own, std::array<linear_kind, N> const& kinds,
             std::array<matrix_view<float>, N> const& outputs, matrix_view<float const> x, W const& weights) {
  if constexpr (fused_linear_weights<W>) {
    std::array<layer_output, N> all;
    for (std::size_t i = 0; i < N; ++i) all[i] = {layer_of(block, kinds[i]), outputs[i]};
    weights.multiply(std::span<layer_output const>(all), x);
  } else {
    for (std::size_t i = 0; i < N; ++i) weights.multiply(layer_of(block, kinds[i]), x, outputs[i]);
  }
  for (std::size_t i = 0; i < N; ++i) add_bias(own.biases[static_cast<std::size_t>(kinds[i])], outputs[i]);
}

/// y = silu(gate(x)) * up(x), (tokens, intermediate); `up` is a buffer for where the two cannot be fused.
template <linear_weights W>
void project_gated(int block, block_parameters const& own, matrix_view<float const> x, matrix_view<float> y,
                   matrix<float>& up, W const& weights) {
  auto const& gate_bias = own.biases[static_cast<std::size_t>(linear_kind::gate)];
  auto const& up_bias = own.biases[static_cast<std::size_t>(linear_kind::up)];
  if constexpr (fused_linear_weights<W>)
    if (gate_bias.empty() && up_bias.empty())
      return weights.multiply_gated(layer_of(block, linear_kind::gate), layer_of(block, linear_kind::up), x, y);
  if (up.rows() != y.rows || up.cols() != y.cols) up = matrix<float>(y.rows, y.cols);
  project<2>(block, own, {linear_kind::gate, linear_kind::up}, {y, up.view()}, x, weights);
  for (index row = 0; row < y.rows; ++row)
    simd::silu_multiply(y.row(row).data(), up.row(row).data(), y.row(row).data(), y.cols);
}

}  // namespace amq::detail
