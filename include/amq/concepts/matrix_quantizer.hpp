// matrix_quantizer: quantizes one matrix on its own, so it may fill the bank and serve as a search proxy.
#pragma once

#include <concepts>
#include <string>

#include "amq/core/format.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/packed_matrix.hpp"

namespace amq {

struct quantizer_category {};

/// What a layer's inputs look like, for quantizers that weigh errors by it. Empty for RTN and HQQ.
struct layer_statistics {
  matrix_view<float const> hessian;  ///< (cols, cols), sum of x x^T over calibration tokens; empty where not collected
};

template <class Q>
concept opts_in_as_quantizer = requires { requires std::same_as<typename Q::policy_category, quantizer_category>; };
/// `quantize(weights, format, statistics)` -> packed_matrix. Same input, same codes. Throws input_error when the format
/// does not fit the matrix or f16 cannot hold a scale or zero; the caller adds the layer's name.
template <class Q>
concept can_quantize_matrix =
    requires(Q const& q, matrix_view<float const> weights, format f, layer_statistics const& statistics) {
      { q.quantize(weights, f, statistics) } -> std::same_as<packed_matrix>;
    };
/// `name()`: what archives and quantization.json call it, options included where they differ from the default.
template <class Q>
concept has_name = requires(Q const& q) {
  { q.name() } -> std::convertible_to<std::string>;
};

template <class Q>
concept matrix_quantizer = opts_in_as_quantizer<Q> && can_quantize_matrix<Q> && has_name<Q>;

/// One sentence for each member that Q lacks.
template <class Q>
constexpr bool diagnose_matrix_quantizer() {
  static_assert(opts_in_as_quantizer<Q>,
                "amq: a quantizer says so with `using policy_category = amq::quantizer_category;`");
  static_assert(can_quantize_matrix<Q>,
                "amq: a matrix_quantizer needs `packed_matrix quantize(matrix_view<float const> weights, format, "
                "layer_statistics const&) const`; a quantizer whose result depends on neighbouring layers cannot be a "
                "search proxy, use it with deploy");
  static_assert(has_name<Q>, "amq: a quantizer needs `std::string name() const`, what archives call it");
  return matrix_quantizer<Q>;
}

}  // namespace amq
