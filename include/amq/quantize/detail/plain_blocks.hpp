// GGUF's blocks of 32 numbers with one f16 scale: Q4_0 and Q8_0.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"

namespace amq::detail {

inline constexpr index plain_block_size = 32;

/// 1 / d; 0 where that is infinite: such numbers are far below what an f16 scale can hold.
inline float inverse_scale(float d) {
  float const inverse = 1 / d;
  return std::isfinite(inverse) ? inverse : 0.0f;
}

/// d = -largest / 8, `largest` being the number of largest magnitude with its sign (the first of several): it becomes
/// code 0 exactly. A number is (code - 8) d.
inline void write_q4_0(float const* values, std::uint8_t* out) {
  float largest = 0;
  for (index i = 0; i < plain_block_size; ++i)
    if (std::abs(values[i]) > std::abs(largest)) largest = values[i];
  float const d = largest / -8;
  float const inverse = inverse_scale(d);
  std::uint16_t const stored = f32_to_f16(d);
  std::memcpy(out, &stored, sizeof stored);
  auto const code = [&](index i) {
    return static_cast<unsigned>(std::clamp(static_cast<int>(values[i] * inverse + 8.5f), 0, 15));
  };
  constexpr index half = plain_block_size / 2;
  for (index i = 0; i < half; ++i) out[2 + i] = static_cast<std::uint8_t>(code(i) | (code(i + half) << 4));
}

inline void read_q4_0(std::uint8_t const* bytes, float* out) {
  std::uint16_t stored;
  std::memcpy(&stored, bytes, sizeof stored);
  float const d = f16_to_f32(stored);
  constexpr index half = plain_block_size / 2;
  for (index i = 0; i < half; ++i) {
    out[i] = d * static_cast<float>((bytes[2 + i] & 15) - 8);
    out[i + half] = d * static_cast<float>((bytes[2 + i] >> 4) - 8);
  }
}

/// d = largest magnitude / 127; codes are rounded half away from 0. A number is code * d.
inline void write_q8_0(float const* values, std::uint8_t* out) {
  float largest = 0;
  for (index i = 0; i < plain_block_size; ++i) largest = std::max(largest, std::abs(values[i]));
  float const d = largest / 127;
  float const inverse = inverse_scale(d);
  std::uint16_t const stored = f32_to_f16(d);
  std::memcpy(out, &stored, sizeof stored);
  for (index i = 0; i < plain_block_size; ++i)
    out[2 + i] = static_cast<std::uint8_t>(static_cast<int>(std::round(values[i] * inverse)));
}

inline void read_q8_0(std::uint8_t const* bytes, float* out) {
  std::uint16_t stored;
  std::memcpy(&stored, bytes, sizeof stored);
  float const d = f16_to_f32(stored);
  for (index i = 0; i < plain_block_size; ++i) out[i] = static_cast<float>(static_cast<std::int8_t>(bytes[2 + i])) * d;
}

}  // namespace amq::detail
