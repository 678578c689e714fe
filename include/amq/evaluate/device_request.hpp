// Which quantizers a device runs itself, and with what options.
#pragma once

#include <optional>

#include "amq/core/format.hpp"
#include "amq/core/tile_layout.hpp"
#include "amq/cuda/device.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/quantize/rtn.hpp"

namespace amq {

inline std::optional<cuda::quantizer_request> device_request(hqq const& quantizer, format f) {
  if (!tile_layout::holds(f)) return std::nullopt;
  auto const& o = quantizer.options();
  return cuda::hqq_request{o.lp_norm, o.beta, o.iterations, quantizer.rounds_zero(f.bits), o.optimize};
}

inline std::optional<cuda::quantizer_request> device_request(rtn const& quantizer, format f) {
  if (!tile_layout::holds(f)) return std::nullopt;
  switch (quantizer.options().variant) {
    case rtn_variant::symmetric:
      return cuda::rtn_request::symmetric;
    case rtn_variant::awq:
      return cuda::rtn_request::awq;
    case rtn_variant::asymmetric:
      break;
  }
  return cuda::rtn_request::asymmetric;
}

/// How a device makes this format as the quantizer would; nothing where it cannot, and the host quantizes. A quantizer
/// that stands for another (compose/) says what that one says by a member of this name.
template <class Quantizer>
std::optional<cuda::quantizer_request> device_request(Quantizer const& quantizer, format f) {
  if constexpr (requires { quantizer.device_request(f); })
    return quantizer.device_request(f);
  else
    return std::nullopt;
}

}  // namespace amq
