// GGUF's K types: 256 numbers in sub-blocks, whose scales and minima are small integers times two f16 numbers.
#pragma once

#include <array>
#include <cstdint>

#include "amq/core/gguf_type.hpp"
#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"

namespace amq::detail {

inline constexpr index k_block_size = 256;

/// Ranges of the integers: a number is d * scale * code - dmin * minimum. Types without minima have signed codes and
/// scales.
template <gguf_type Type>
struct k_traits;
template <>
struct k_traits<gguf_type::q2_k> {
  static constexpr index sub_block = 16;
  static constexpr int lowest_code = 0, highest_code = 3, lowest_scale = 0, highest_scale = 15, highest_minimum = 15;
};
template <>
struct k_traits<gguf_type::q3_k> {
  static constexpr index sub_block = 16;
  static constexpr int lowest_code = -4, highest_code = 3, lowest_scale = -32, highest_scale = 31, highest_minimum = 0;
};
template <>
struct k_traits<gguf_type::q4_k> {
  static constexpr index sub_block = 32;
  static constexpr int lowest_code = 0, highest_code = 15, lowest_scale = 0, highest_scale = 63, highest_minimum = 63;
};
template <>
struct k_traits<gguf_type::q5_k> {
  static constexpr index sub_block = 32;
  static constexpr int lowest_code = 0, highest_code = 31, lowest_scale = 0, highest_scale = 63, highest_minimum = 63;
};
template <>
struct k_traits<gguf_type::q6_k> {
  static constexpr index sub_block = 16;
  static constexpr int lowest_code = -32, highest_code = 31, lowest_scale = -128, highest_scale = 127,
                       highest_minimum = 0;
};

template <gguf_type Type>
inline constexpr bool has_minima = k_traits<Type>::highest_minimum > 0;

/// What one block's bytes say, before they are packed. `scales` and `minima` are used as far as there are sub-blocks.
struct k_block {
  std::array<std::int8_t, k_block_size> codes{};
  std::array<int, 16> scales{};
  std::array<int, 16> minima{};
  std::uint16_t d = 0;     ///< f16
  std::uint16_t dmin = 0;  ///< f16
};

/// The block's 256 numbers. Every product has at most 24 significant bits, so a compiler's fused multiply-add gives the
/// same bits: those of the `gguf` package.
template <gguf_type Type>
void decode_k_block(k_block const& block, float* out) {
  constexpr index size = k_traits<Type>::sub_block;
  float const d = f16_to_f32(block.d);
  float const dmin = f16_to_f32(block.dmin);
  for (index sub = 0; sub < k_block_size / size; ++sub) {
    auto const at = static_cast<std::size_t>(sub);
    float const scale = d * static_cast<float>(block.scales[at]);
    float const minimum = dmin * static_cast<float>(block.minima[at]);
    for (index i = sub * size; i < (sub + 1) * size; ++i) {
      float const value = scale * static_cast<float>(block.codes[static_cast<std::size_t>(i)]);
      out[i] = has_minima<Type> ? value - minimum : value;
    }
  }
}

}  // namespace amq::detail
