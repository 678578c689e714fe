// Quantizers of whole models, by run-time names.
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "amq/calibrate/awq.hpp"
#include "amq/calibrate/bitstack.hpp"
#include "amq/calibrate/sequential.hpp"
#include "amq/compose/any_matrix_quantizer.hpp"
#include "amq/compose/proxies.hpp"
#include "amq/compose/registry.hpp"
#include "amq/core/quantized_model.hpp"
#include "amq/text/tokens.hpp"

namespace amq {

/// Quantizers of whole models, for deployment.
inline auto model_quantizers() {
  constexpr gptq_options ordered{.act_order = true, .static_groups = true};
  constexpr gptq_options symmetric{.symmetric = true};
  constexpr gptq_options drift{.asymmetric_calibration = true};
  constexpr auto walk = [](auto quantizer) { return sequential(any_matrix_quantizer(std::move(quantizer))); };
  return hana::make_tuple(
      entry(BOOST_HANA_STRING("hqq"), walk(each_kind(hqq{}))), entry(BOOST_HANA_STRING("rtn"), walk(each_kind(rtn{}))),
      entry(BOOST_HANA_STRING("rtn_symmetric"), walk(each_kind(rtn{{.variant = rtn_variant::symmetric}}))),
      entry(BOOST_HANA_STRING("rtn_awq"), walk(each_kind(rtn{{.variant = rtn_variant::awq}}))),
      entry(BOOST_HANA_STRING("gptq"), walk(each_kind(gptq{}))),
      entry(BOOST_HANA_STRING("gptq_act_order"), walk(each_kind(gptq{ordered}))),
      entry(BOOST_HANA_STRING("gptq_symmetric"), walk(each_kind(gptq{symmetric}))),
      entry(BOOST_HANA_STRING("gptaq"), sequential(gptq{drift})), entry(BOOST_HANA_STRING("awq"), awq{}),
      entry(BOOST_HANA_STRING("owq"), sequential(owq{})), entry(BOOST_HANA_STRING("bitstack"), stacked_model{}),
      entry(BOOST_HANA_STRING("gguf"), walk(gguf_blocks{})));
}

/// Quantizes a model by the name of a quantizer: one format a linear layer, results into `sink`. Throws input_error for
/// a name that nothing has, and as the quantizer does.
template <class Model, class Executor>
void quantize_model(Model const& model, std::span<format const> formats, token_sequences const& calibration,
                    std::string_view quantizer, quantized_sink& sink, Executor& executor) {
  with_registered(model_quantizers(), quantizer, "a quantizer",
                  [&](auto const& chosen) { chosen.quantize(model, formats, calibration, sink, executor); });
}

}  // namespace amq
