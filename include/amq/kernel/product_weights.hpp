// The model's seam over matrices in any form: what runs a block multiplies layers through this.
#pragma once

#include <array>
#include <span>
#include <type_traits>
#include <utility>

#include "amq/concepts/causal_model.hpp"
#include "amq/core/error.hpp"
#include "amq/kernel/products.hpp"

namespace amq {

/// Models fused_linear_weights. `matrix_of(layer)` -> weight_matrix const&. One a thread, as `products` is; owns
/// nothing.
template <class MatrixOf, class Executor>
class product_weights {
 public:
  product_weights(MatrixOf matrix_of, products<Executor>& by) : matrix_of_(std::move(matrix_of)), products_(&by) {
    static_assert(std::is_same_v<decltype(matrix_of_(index{})), weight_matrix const&>,
                  "amq: product_weights needs a function that gives a `weight_matrix const&` for a layer's index");
  }

  /// y (tokens, rows) = x (tokens, cols) W^T.
  void multiply(index layer, matrix_view<float const> x, matrix_view<float> y) const {
    products_->prepare(x);
    products_->multiply(matrix_of_(layer), y);
  }

  /// The same for up to `most_together` layers that read the same x.
  void multiply(std::span<layer_output const> outputs, matrix_view<float const> x) const {
    AMQ_EXPECTS(outputs.size() <= most_together, "product_weights multiplies at most eight layers together");
    std::array<product_output, most_together> all;
    for (std::size_t i = 0; i < outputs.size(); ++i) all[i] = {&matrix_of_(outputs[i].layer), outputs[i].y};
    products_->prepare(x);
    products_->multiply(std::span<product_output const>(all).first(outputs.size()));
  }

  /// y = silu(x G^T) * (x U^T).
  void multiply_gated(index gate, index up, matrix_view<float const> x, matrix_view<float> y) const {
    products_->prepare(x);
    products_->multiply_gated(matrix_of_(gate), matrix_of_(up), y);
  }

 private:
  static constexpr std::size_t most_together = 8;

  MatrixOf matrix_of_;
  products<Executor>* products_;
};

}  // namespace amq
