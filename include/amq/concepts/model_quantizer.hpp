// model_quantizer: quantizes a whole model where a layer's result depends on its neighbours: for deployment.
#pragma once

#include <concepts>
#include <span>
#include <string>

#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/core/format.hpp"
#include "amq/core/quantized_model.hpp"

namespace amq {

/// `quantize(model, formats, calibration, sink, executor)`: one format a linear layer, calibration sequences, layers
/// into the sink in order. Memory: a block and two sets of hidden states. Same input, same codes, whatever the threads.
/// Throws input_error that names the layer.
template <class Q, class Model, class Tokens, class Executor>
concept can_quantize_model =
    requires(Q const& q, Model const& model, std::span<format const> formats, Tokens const& calibration,
             quantized_sink& sink, Executor& executor) { q.quantize(model, formats, calibration, sink, executor); };

template <class Q, class Model, class Tokens, class Executor>
concept model_quantizer = opts_in_as_quantizer<Q> && can_quantize_model<Q, Model, Tokens, Executor> && has_name<Q>;

/// One sentence for each member that Q lacks.
template <class Q, class Model, class Tokens, class Executor>
constexpr bool diagnose_model_quantizer() {
  static_assert(opts_in_as_quantizer<Q>,
                "amq: a quantizer says so with `using policy_category = amq::quantizer_category;`");
  static_assert(can_quantize_model<Q, Model, Tokens, Executor>,
                "amq: a model_quantizer needs `void quantize(Model const&, std::span<format const>, token_sequences "
                "const&, quantized_sink&, Executor&) const`; a matrix_quantizer becomes one as `sequential<Q>`");
  static_assert(has_name<Q>, "amq: a quantizer needs `std::string name() const`, what archives call it");
  return model_quantizer<Q, Model, Tokens, Executor>;
}

}  // namespace amq
