// noting_quantizer: a matrix_quantizer that may have something to say about its result.
#pragma once

#include <concepts>
#include <string>

#include "amq/concepts/matrix_quantizer.hpp"

namespace amq {

/// `quantize(weights, format, statistics, note)` gives what `quantize(weights, format, statistics)` does, and sets
/// `note` to a sentence for the user where there is one.
template <class Q>
concept noting_quantizer = matrix_quantizer<Q> && requires(Q const& q, matrix_view<float const> weights, format f,
                                                           layer_statistics const& statistics, std::string& note) {
  { q.quantize(weights, f, statistics, note) } -> std::convertible_to<quantized_matrix>;
};

}  // namespace amq
