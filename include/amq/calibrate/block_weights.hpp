// One block's weights, prepared for products: the source's own until a layer is replaced by what quantizing made of it.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/evaluate/weights.hpp"

namespace amq {

/// Models `linear_weights` for the layers of one block. Memory: 4 bytes a weight of the block.
class block_weights {
 public:
  /// The source's own weights of `layers`.
  template <class Model, class Executor>
  block_weights(Model const& model, std::span<index const> layers, Executor& executor)
      : layers_(layers.begin(), layers.end()), matrices_(layers.size()) {
    executor.for_each(static_cast<index>(layers.size()), [&](index i, int) {
      auto const at = static_cast<std::size_t>(i);
      matrices_[at].emplace(model.weight(layers_[at]));
    });
  }

  /// Different layers may be replaced from different threads.
  void replace(index layer, matrix_view<float const> weights) { matrices_[position(layer)].emplace(weights); }

  dense_matrix const& at(index layer) const { return *matrices_[position(layer)]; }

  /// y (tokens, rows) = x (tokens, cols) W^T
  void multiply(index layer, matrix_view<float const> x, matrix_view<float> y) const { at(layer).multiply(x, y); }

 private:
  std::size_t position(index layer) const {
    auto const found = std::find(layers_.begin(), layers_.end(), layer);
    AMQ_EXPECTS(found != layers_.end(), "block_weights holds no layer " + std::to_string(layer));
    return static_cast<std::size_t>(found - layers_.begin());
  }

  std::vector<index> layers_;
  std::vector<std::optional<dense_matrix>> matrices_;
};

}  // namespace amq
