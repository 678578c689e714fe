// causal_model: a decoder-only language model in parts, with one seam through which every linear layer is multiplied.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// The seam: y = x W^T for linear layer `layer` (its index in `linears()`), x (tokens, cols), y (tokens, rows). A row
/// of y depends on its row of x alone, bit for bit.
template <class W>
concept linear_weights =
    requires(W const& w, index layer, matrix_view<float const> x, matrix_view<float> y) { w.multiply(layer, x, y); };

/// Where the product with linear layer `layer` goes: (tokens, rows of the layer).
struct layer_output {
  index layer = 0;
  matrix_view<float> y;
};

/// Weights that multiply layers with the same input together, and a gated pair (silu(x G^T) * (x U^T), SwiGLU) without
/// storing its second half. The bits are those of `multiply` one by one.
template <class W>
concept fused_linear_weights =
    linear_weights<W> && requires(W const& w, std::span<layer_output const> outputs, index layer,
                                  matrix_view<float const> x, matrix_view<float> y) {
      w.multiply(outputs, x);
      w.multiply_gated(layer, layer, x, y);
    };

namespace detail {
struct any_weights {
  void multiply(index, matrix_view<float const>, matrix_view<float>) const {}
};
struct any_hidden_sink {
  void operator()(matrix_view<float const>) const {}
};
}  // namespace detail

template <class M>
concept has_linears = requires(M const& m) {
  { m.linears() } -> std::convertible_to<std::span<linear_layer const>>;
  { m.blocks() } -> std::convertible_to<int>;
};
/// `embed(tokens, state)`: state becomes the embeddings of one sequence at positions 0, 1, ...
template <class M>
concept can_embed =
    requires(M const& m, std::span<std::int32_t const> tokens, typename M::state& state) { m.embed(tokens, state); };
template <class M>
concept can_run_block = requires(M const& m, int block, typename M::state& state, detail::any_weights const& weights) {
  m.block(block, state, weights);
};
/// `head(state, sink)`: sink gets the final-normed hidden states (tokens, hidden); the caller multiplies by
/// `output_head()` (vocabulary, hidden), so that logits need never be held for a whole sequence.
template <class M>
concept has_head = requires(M const& m, typename M::state& state, detail::any_hidden_sink const& sink) {
  m.head(state, sink);
  { m.output_head() } -> std::convertible_to<matrix_view<float const>>;
};

template <class M>
concept causal_model = has_linears<M> && can_embed<M> && can_run_block<M> && has_head<M>;

/// One sentence for each member that M lacks.
template <class M>
constexpr bool diagnose_causal_model() {
  static_assert(has_linears<M>,
                "amq: a causal_model needs `std::span<linear_layer const> linears() const` and `int blocks() const`");
  static_assert(
      can_embed<M>,
      "amq: a causal_model needs a type `state` and `void embed(std::span<std::int32_t const> tokens, state&) "
      "const`");
  static_assert(
      can_run_block<M>,
      "amq: a causal_model needs `template <linear_weights W> void block(int, state&, W const& weights) const`, "
      "which multiplies every linear layer through weights.multiply");
  static_assert(has_head<M>,
                "amq: a causal_model needs `template <class Sink> void head(state&, Sink const&) const` and "
                "`matrix_view<float const> output_head() const`");
  return causal_model<M>;
}

}  // namespace amq
