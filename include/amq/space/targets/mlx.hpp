// The byte model of MLX's affine files (mlx-lm).
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "amq/space/target.hpp"
#include "amq/space/targets/detail/plain_codes.hpp"

namespace amq {
namespace detail {

inline std::int64_t mlx_stored_bits(linear_layer const& layer, format f) {
  if (f.kept()) return kept_bits(layer);
  return layer.rows * (f.bits * layer.cols + 32 * f.groups(layer.cols));
}

inline std::string mlx_refusal(linear_layer const& layer, format f) {
  constexpr std::array<int, 6> widths{2, 3, 4, 5, 6, 8};
  std::string const refusal = plain_codes_refusal("mlx", layer, f, widths);
  if (!refusal.empty() || f.kept()) return refusal;
  if (f.group == 32 || f.group == 64 || f.group == 128) return "";
  return "mlx holds groups of 32, 64 and 128";
}

}  // namespace detail

/// Real zeros, as biases: b + 32 / group bits a weight.
inline target mlx_target() { return {"mlx", detail::mlx_stored_bits, detail::mlx_refusal, {}, {}, stored_zeros::real}; }

}  // namespace amq
