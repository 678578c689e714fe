// Weights for the model's seam: one prepared matrix for each linear layer, wherever it comes from, and an adapter where
// there is one.
#pragma once

#include <vector>

#include "amq/core/adapter.hpp"
#include "amq/kernel/dense_product.hpp"

namespace amq {

/// Models `linear_weights` with one prepared matrix a layer, and beside it an adapter where one is given. Owns nothing;
/// a null layer must not be multiplied.
class layer_weights {
 public:
  explicit layer_weights(index layers) : layers_(static_cast<std::size_t>(layers)) {}

  void set(index layer, dense_matrix const& matrix, adapter const* beside = nullptr) {
    layers_[static_cast<std::size_t>(layer)] = {&matrix, beside};
  }

  /// y (tokens, rows) = x (tokens, cols) W^T, and the adapter's part added.
  void multiply(index layer, matrix_view<float const> x, matrix_view<float> y) const {
    auto const& [matrix, beside] = layers_[static_cast<std::size_t>(layer)];
    matrix->multiply(x, y);
    if (beside != nullptr) add_adapter(*beside, x, y);
  }

 private:
  struct layer_parts {
    dense_matrix const* matrix = nullptr;
    adapter const* beside = nullptr;
  };

  std::vector<layer_parts> layers_;
};

}  // namespace amq
