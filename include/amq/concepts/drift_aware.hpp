// drift_aware: a matrix_quantizer that may want to know how far its inputs have drifted from the unquantized model's.
#pragma once

#include <concepts>

#include "amq/concepts/matrix_quantizer.hpp"

namespace amq {

/// `uses_drift()`: whether it wants `layer_statistics::drift`, which takes a second pass of hidden states to collect.
template <class Q>
concept drift_aware = matrix_quantizer<Q> && requires(Q const& q) {
  { q.uses_drift() } -> std::convertible_to<bool>;
};

}  // namespace amq
