// preparing_quantizer: a matrix_quantizer part of whose work layers with one input, and formats of one layer, share.
#pragma once

#include <concepts>
#include <string>

#include "amq/concepts/matrix_quantizer.hpp"

namespace amq {

/// `prepare(statistics)` -> Q::preparation, whose `note` is a sentence for the user or empty;
/// `quantize(weights, format, statistics, preparation)` gives what `quantize(weights, format, statistics)` does.
template <class Q>
concept preparing_quantizer =
    matrix_quantizer<Q> && requires(Q const& q, matrix_view<float const> weights, format f,
                                    layer_statistics const& statistics, typename Q::preparation const& prepared) {
      { q.prepare(statistics) } -> std::same_as<typename Q::preparation>;
      { q.quantize(weights, f, statistics, prepared) } -> std::convertible_to<quantized_matrix>;
      { prepared.note } -> std::convertible_to<std::string>;
    };

}  // namespace amq
