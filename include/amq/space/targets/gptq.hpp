// The byte model of GPTQ's files (GPTQModel, vLLM, transformers).
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "amq/space/target.hpp"
#include "amq/space/targets/detail/plain_codes.hpp"

namespace amq {
namespace detail {

/// Codes packed along the inputs, zeros along the outputs, f16 scales, and the group of each input in 32 bits.
inline std::int64_t gptq_stored_bits(linear_layer const& layer, format f) {
  if (f.kept()) return kept_bits(layer);
  return f.bits * layer.rows * layer.cols + f.groups(layer.cols) * layer.rows * (16 + f.bits) + 32 * layer.cols;
}

inline std::string gptq_refusal(linear_layer const& layer, format f) {
  constexpr std::array<int, 7> widths{2, 3, 4, 5, 6, 7, 8};
  std::string const refusal = plain_codes_refusal("gptq", layer, f, widths);
  if (!refusal.empty() || f.kept()) return refusal;
  bool const divides_words = 32 % f.bits == 0;
  index const unit = divides_words ? 32 / f.bits : 32;
  if (layer.rows % unit == 0 && layer.cols % unit == 0) return "";
  return "gptq packs " + std::to_string(f.bits) + " bits in whole words, for which rows and inputs must be multiples " +
         "of " + std::to_string(unit) + ", not " + std::to_string(layer.rows) + " and " + std::to_string(layer.cols);
}

/// Of the symmetric files, whose words every reader knows.
inline std::string gptq_symmetric_refusal(linear_layer const& layer, format f) {
  constexpr std::array<int, 4> widths{2, 3, 4, 8};
  std::string const refusal = plain_codes_refusal("gptq-symmetric", layer, f, widths);
  return refusal.empty() ? gptq_refusal(layer, f) : refusal;
}

}  // namespace detail

/// Integer zeros: b + (16 + b) / group bits a weight and 32 an input. GPTQModel reads every width on its own; vLLM,
/// which fuses q, k, v and gate, up, only 4 and 8 bits that are equal there.
inline target gptq_target() {
  return {"gptq", detail::gptq_stored_bits, detail::gptq_refusal, {}, {}, stored_zeros::integer};
}

/// The same bits, the middle code standing for 0, in version 1 of the files: what most readers take, vLLM with 4 and 8
/// bits. It fuses q, k, v and gate, up, so they are tied.
inline target gptq_symmetric_target() {
  return {"gptq-symmetric",    detail::gptq_stored_bits, detail::gptq_symmetric_refusal, {},
          fused_projections(), stored_zeros::none};
}

}  // namespace amq
