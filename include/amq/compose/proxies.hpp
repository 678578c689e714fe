// Quantizers that may fill a bank, by run-time names; formats of every kind in one space.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "amq/calibrate/detail/shared_work.hpp"
#include "amq/compose/any_matrix_quantizer.hpp"
#include "amq/compose/registry.hpp"
#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/concepts/preparing_quantizer.hpp"
#include "amq/evaluate/device_request.hpp"
#include "amq/quantize/awq.hpp"
#include "amq/quantize/bitstack.hpp"
#include "amq/quantize/gguf_blocks.hpp"
#include "amq/quantize/gptq.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/quantize/owq.hpp"
#include "amq/quantize/rtn.hpp"

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

  std::optional<cuda::quantizer_request> device_request(format f) const {
    if (f.stacked() || f.kept_columns > 0) return std::nullopt;
    return amq::device_request(affine_, f);
  }

 private:
  Affine affine_;
};

/// Quantizers that may fill a bank.
inline auto proxies() {
  constexpr auto any = [](auto quantizer) { return any_matrix_quantizer(std::move(quantizer)); };
  return hana::make_tuple(
      entry(BOOST_HANA_STRING("hqq"), any(each_kind(hqq{}))), entry(BOOST_HANA_STRING("rtn"), any(each_kind(rtn{}))),
      entry(BOOST_HANA_STRING("rtn_symmetric"), any(each_kind(rtn{{.variant = rtn_variant::symmetric}}))),
      entry(BOOST_HANA_STRING("rtn_awq"), any(each_kind(rtn{{.variant = rtn_variant::awq}}))),
      entry(BOOST_HANA_STRING("gptq"), any(each_kind(gptq{}))),
      entry(BOOST_HANA_STRING("awq"), any(each_kind(awq_scaled{}))),
      entry(BOOST_HANA_STRING("gguf"), any(gguf_blocks{})));
}

/// Whether this proxy needs to see calibration tokens before it fills a bank with these formats.
template <class Space>
bool needs_calibration(std::string_view proxy, Space const& space) {
  bool needed = false;
  with_registered(proxies(), proxy, "a proxy quantizer", [&](any_matrix_quantizer const& quantizer) {
    for (index layer = 0; layer < space.size(); ++layer)
      for (format const f : space.choices(layer)) needed = needed || quantizer.needs_statistics_for(f);
  });
  return needed;
}

}  // namespace amq
