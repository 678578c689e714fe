// Weights that tell an observer what every linear layer is given before they multiply it.
#pragma once

#include <concepts>

#include "amq/concepts/causal_model.hpp"

namespace amq {

/// Models `linear_weights`: calls observe(layer, x), x (tokens, cols), then weights.multiply. Owns neither.
template <linear_weights Weights, std::invocable<index, matrix_view<float const>> Observe>
class observed_weights {
 public:
  observed_weights(Weights const& weights, Observe& observe) : weights_(&weights), observe_(&observe) {}

  void multiply(index layer, matrix_view<float const> x, matrix_view<float> y) const {
    (*observe_)(layer, x);
    weights_->multiply(layer, x, y);
  }

 private:
  Weights const* weights_;
  Observe* observe_;
};

}  // namespace amq
