// matrix_quantizer: quantizes one matrix on its own, so it may fill the bank and serve as a search proxy.
#pragma once

#include <concepts>
#include <span>
#include <string>

#include "amq/core/format.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/quantized_matrix.hpp"

namespace amq {

struct quantizer_category {};

/// What a layer's inputs x look like over the calibration tokens, for quantizers that weigh errors by it. Views; empty
/// where not collected, and for RTN and HQQ, which need none.
struct layer_statistics {
  matrix_view<float const> hessian;      ///< (cols, cols): 2 / sequences * sum of x x^T (GPTQ's, arXiv 2210.17323)
  matrix_view<float const> drift;        ///< (cols, cols): 2 / sequences * sum of (x_unquantized - x) x^T (GPTAQ's)
  std::span<float const> mean_absolute;  ///< (cols): mean of |x| over tokens (AWQ's)
  std::span<float const> channel_norms;  ///< (cols): mean over sequences of the L2 norm over tokens (BitStack's)
  matrix_view<float const> inputs;       ///< (sampled tokens, cols)
  index tokens = 0;
  index sequences = 0;
  std::span<float const> input_scales;  ///< (cols): shared by all layers with this input (AWQ's as a proxy); or empty
};

template <class Q>
concept opts_in_as_quantizer = requires { requires std::same_as<typename Q::policy_category, quantizer_category>; };
/// `quantize(weights, format, statistics)` -> packed_matrix, or another form of quantized_matrix. Same input, same
/// codes. Throws input_error when the format does not fit the matrix or f16 cannot hold a scale or zero; the caller
/// adds the layer's name.
template <class Q>
concept can_quantize_matrix =
    requires(Q const& q, matrix_view<float const> weights, format f, layer_statistics const& statistics) {
      { q.quantize(weights, f, statistics) } -> std::convertible_to<quantized_matrix>;
    };
/// `name()`: what archives and quantization.json call it, options included where they differ from the default.
template <class Q>
concept has_name = requires(Q const& q) {
  { q.name() } -> std::convertible_to<std::string>;
};

/// Says `static constexpr bool uses_statistics = true;`: whoever calls it must have run the calibration tokens.
template <class Q>
concept needs_statistics = requires { requires Q::uses_statistics; };

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
