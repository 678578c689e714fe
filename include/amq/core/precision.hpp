// What a kernel turns activations into before it multiplies them with codes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "amq/config.hpp"

namespace amq {

/// Codes are exact in all of them, and so are scales and zeros, which are applied in f32.
enum class precision : std::uint8_t {
  f32,   ///< as they are; sums in f32
  bf16,  ///< rounded to bfloat16, products summed in f32
  int8,  ///< whole numbers within 127 with an f32 scale a group, products summed exactly
};

constexpr char const* to_string(precision which) {
  switch (which) {
    case precision::f32:
      return "f32";
    case precision::bf16:
      return "bf16";
    case precision::int8:
      return "int8";
  }
  return "unknown";
}

/// The precision of that name; none for any other text.
constexpr std::optional<precision> parse_precision(std::string_view name) {
  for (precision const which : {precision::f32, precision::bf16, precision::int8})
    if (name == to_string(which)) return which;
  return std::nullopt;
}

}  // namespace amq
