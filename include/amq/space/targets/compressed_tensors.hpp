// The byte model of compressed-tensors' format pack-quantized (vLLM, transformers).
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "amq/space/target.hpp"
#include "amq/space/targets/detail/plain_codes.hpp"

namespace amq {
namespace detail {

/// Rows of codes in whole 32-bit words, f16 scales, the shape as two 64-bit numbers; zeros packed along the outputs.
inline std::int64_t compressed_tensors_bits(linear_layer const& layer, format f, bool symmetric) {
  if (f.kept()) return kept_bits(layer);
  index const groups = f.groups(layer.cols);
  std::int64_t const zeros = symmetric ? 0 : groups * padded_bits(layer.rows, f.bits, 32);
  return layer.rows * (padded_bits(layer.cols, f.bits, 32) + 16 * groups) + zeros + 2 * 64;
}

inline std::string compressed_tensors_refusal(linear_layer const& layer, format f) {
  constexpr std::array<int, 7> widths{2, 3, 4, 5, 6, 7, 8};
  return plain_codes_refusal("compressed-tensors", layer, f, widths);
}

}  // namespace detail

/// Integer zeros: b + (16 + b) / group bits a weight. vLLM fuses q, k, v and gate, up, and would silently give all of
/// them the first one's width, so they are tied.
inline target compressed_tensors_target() {
  return {"compressed-tensors",
          [](linear_layer const& layer, format f) { return detail::compressed_tensors_bits(layer, f, false); },
          detail::compressed_tensors_refusal,
          {},
          fused_projections(),
          stored_zeros::integer};
}

/// No zeros, the middle code stands for 0: b + 16 / group bits a weight. What vLLM's fastest kernels take.
inline target compressed_tensors_symmetric_target() {
  return {"compressed-tensors-symmetric",
          [](linear_layer const& layer, format f) { return detail::compressed_tensors_bits(layer, f, true); },
          detail::compressed_tensors_refusal,
          {},
          fused_projections(),
          stored_zeros::none};
}

}  // namespace amq
