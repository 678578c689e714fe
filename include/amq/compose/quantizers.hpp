// Quantizers by run-time names: those that may fill a bank, and those that quantize whole models.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "amq/calibrate/awq.hpp"
#include "amq/calibrate/bitstack.hpp"
#include "amq/calibrate/detail/shared_work.hpp"
#include "amq/calibrate/sequential.hpp"
#include "amq/compose/registry.hpp"
#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/concepts/preparing_quantizer.hpp"
#include "amq/core/quantized_model.hpp"
#include "amq/quantize/awq.hpp"
#include "amq/quantize/bitstack.hpp"
#include "amq/quantize/gguf_blocks.hpp"
#include "amq/quantize/gptq.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/quantize/owq.hpp"
#include "amq/quantize/rtn.hpp"
#include "amq/text/tokens.hpp"

namespace amq {

/// `Affine` for affine formats, OWQ where columns are kept, BitStack for stacks: a space may mix them. Models
/// matrix_quantizer.
template <class Affine>
class each_kind {
 public:
  using policy_category = quantizer_category;
  static constexpr bool uses_statistics = true;

  /// What layers with one input share, where `Affine` has something to prepare.
  using preparation = typename detail::preparation_of<Affine>::type;

  explicit each_kind(Affine affine = Affine{}) : affine_(std::move(affine)) {}

  /// Whether formats of this kind are quantized with statistics of the layer's inputs.
  static bool needs_statistics_for(format f) {
    return !f.kept() && (f.stacked() || f.kept_columns > 0 || needs_statistics<Affine>);
  }

  quantized_matrix quantize(matrix_view<float const> weights, format f, layer_statistics const& statistics) const {
    if (f.stacked()) return bitstack{}.quantize(weights, f, statistics);
    if (f.kept_columns > 0) return owq{}.quantize(weights, f, statistics);
    return affine_.quantize(weights, f, statistics);
  }

  preparation prepare(layer_statistics const& statistics) const
    requires preparing_quantizer<Affine>
  {
    return affine_.prepare(statistics);
  }
  quantized_matrix quantize(matrix_view<float const> weights, format f, layer_statistics const& statistics,
                            preparation const& prepared) const
    requires preparing_quantizer<Affine>
  {
    if (f.stacked() || f.kept_columns > 0) return quantize(weights, f, statistics);
    return affine_.quantize(weights, f, statistics, prepared);
  }

  std::string name() const { return affine_.name(); }

 private:
  Affine affine_;
};

/// Quantizers that may fill a bank.
inline auto proxies() {
  return hana::make_tuple(
      entry(BOOST_HANA_STRING("hqq"), each_kind(hqq{})), entry(BOOST_HANA_STRING("rtn"), each_kind(rtn{})),
      entry(BOOST_HANA_STRING("rtn_symmetric"), each_kind(rtn{{.variant = rtn_variant::symmetric}})),
      entry(BOOST_HANA_STRING("rtn_awq"), each_kind(rtn{{.variant = rtn_variant::awq}})),
      entry(BOOST_HANA_STRING("gptq"), each_kind(gptq{})), entry(BOOST_HANA_STRING("awq"), each_kind(awq_scaled{})),
      entry(BOOST_HANA_STRING("gguf"), gguf_blocks{}));
}

/// Quantizers of whole models, for deployment.
inline auto model_quantizers() {
  constexpr gptq_options ordered{.act_order = true, .static_groups = true};
  constexpr gptq_options symmetric{.symmetric = true};
  constexpr gptq_options drift{.asymmetric_calibration = true};
  return hana::make_tuple(
      entry(BOOST_HANA_STRING("hqq"), sequential(each_kind(hqq{}))),
      entry(BOOST_HANA_STRING("rtn"), sequential(each_kind(rtn{}))),
      entry(BOOST_HANA_STRING("rtn_symmetric"), sequential(each_kind(rtn{{.variant = rtn_variant::symmetric}}))),
      entry(BOOST_HANA_STRING("rtn_awq"), sequential(each_kind(rtn{{.variant = rtn_variant::awq}}))),
      entry(BOOST_HANA_STRING("gptq"), sequential(each_kind(gptq{}))),
      entry(BOOST_HANA_STRING("gptq_act_order"), sequential(each_kind(gptq{ordered}))),
      entry(BOOST_HANA_STRING("gptq_symmetric"), sequential(each_kind(gptq{symmetric}))),
      entry(BOOST_HANA_STRING("gptaq"), sequential(gptq{drift})), entry(BOOST_HANA_STRING("awq"), awq{}),
      entry(BOOST_HANA_STRING("owq"), sequential(owq{})), entry(BOOST_HANA_STRING("bitstack"), stacked_model{}),
      entry(BOOST_HANA_STRING("gguf"), sequential(gguf_blocks{})));
}

/// Whether this proxy needs to see calibration tokens before it fills a bank with these formats.
template <class Space>
bool needs_calibration(std::string_view proxy, Space const& space) {
  bool needed = false;
  with_registered(proxies(), proxy, "a proxy quantizer", [&]<class Quantizer>(Quantizer const&) {
    for (index layer = 0; layer < space.size(); ++layer)
      for (format const f : space.choices(layer)) {
        if constexpr (requires { Quantizer::needs_statistics_for(f); })
          needed = needed || Quantizer::needs_statistics_for(f);
        else
          needed = needed || (needs_statistics<Quantizer> && !f.kept());
      }
  });
  return needed;
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
