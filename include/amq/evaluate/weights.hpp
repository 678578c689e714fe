// Weights for the model's seam: one prepared matrix for each linear layer, wherever it comes from.
#pragma once

#include <vector>

#include "amq/kernel/dense_product.hpp"

namespace amq {

/// Models `linear_weights` with one prepared matrix a layer. Owns nothing; a null layer must not be multiplied.
class layer_weights {
 public:
  explicit layer_weights(index layers) : matrices_(static_cast<std::size_t>(layers), nullptr) {}

  void set(index layer, dense_matrix const& matrix) { matrices_[static_cast<std::size_t>(layer)] = &matrix; }

  /// y (tokens, rows) = x (tokens, cols) W^T
  void multiply(index layer, matrix_view<float const> x, matrix_view<float> y) const {
    matrices_[static_cast<std::size_t>(layer)]->multiply(x, y);
  }

 private:
  std::vector<dense_matrix const*> matrices_;
};

}  // namespace amq
