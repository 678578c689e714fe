// The byte model of AWQ's files in the layout gemm (vLLM, transformers).
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "amq/space/target.hpp"
#include "amq/space/targets/detail/plain_codes.hpp"

namespace amq {
namespace detail {

inline std::int64_t awq_stored_bits(linear_layer const& layer, format f) {
  if (f.kept()) return kept_bits(layer);
  return f.bits * layer.rows * layer.cols + f.groups(layer.cols) * layer.rows * (16 + f.bits);
}

inline std::string awq_refusal(linear_layer const& layer, format f) {
  constexpr std::array<int, 1> widths{4};
  constexpr index outputs_a_word = 8;
  std::string const refusal = plain_codes_refusal("awq", layer, f, widths);
  if (!refusal.empty() || f.kept()) return refusal;
  if (layer.rows % outputs_a_word == 0) return "";
  return "awq packs 8 outputs in a word, which do not divide " + std::to_string(layer.rows);
}

}  // namespace detail

/// 4 bits with integer zeros, 4 + 20 / group bits a weight and one group for all; other layers stay in 16 bits. vLLM
/// refuses fused layers of which only some are quantized, so they are tied.
inline target awq_target() {
  target files{"awq", detail::awq_stored_bits, detail::awq_refusal, {}, fused_projections(), stored_zeros::integer};
  files.one_group = true;
  return files;
}

}  // namespace amq
