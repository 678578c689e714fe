// Conversions between f32 and the bits of f16 and bf16: to nearest, ties to even; exact the other way, subnormals too.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace shim {

constexpr float f16_to_f32(std::uint16_t bits) {
  std::uint32_t const sign = std::uint32_t{bits} >> 15 << 31;
  std::uint32_t const magnitude = (bits & 0x7fffu) << 13;  // 5 bits of exponent where f32 has 8
  std::uint32_t const exponent = magnitude >> 23;
  if (exponent == 0) {  // subnormal: 2^-14 + m - 2^-14 needs no subnormal f32
    float const value = std::bit_cast<float>(magnitude + (113u << 23)) - std::bit_cast<float>(113u << 23);
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | sign);
  }
  std::uint32_t const shifted = magnitude + (exponent == 31 ? 224u << 23 : 112u << 23);
  return std::bit_cast<float>(shifted | sign);
}

constexpr std::uint16_t f32_to_f16(float x) {
  std::uint32_t const bits = std::bit_cast<std::uint32_t>(x), magnitude = bits & 0x7fffffffu;
  auto const sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
  auto const with_sign = [sign](std::uint32_t value) { return static_cast<std::uint16_t>(sign | value); };
  if (magnitude > 0x7f800000u) return 0x7fffu;  // the device's one NaN
  if (magnitude >= 0x477ff000u) return with_sign(0x7c00u);
  if (magnitude < 0x38800000u)  // subnormal: adding 1/2 leaves units of 2^-24 in the low bits, rounded
    return with_sign(std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000u);
  std::uint32_t const odd = magnitude >> 13 & 1u;
  return with_sign((magnitude - (112u << 23) + 0xfffu + odd) >> 13);
}

constexpr float bf16_to_f32(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

constexpr std::uint16_t f32_to_bf16(float x) {
  std::uint32_t const bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fffu;
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/// All 65536 values of f16, quicker than computing them again.
inline float const* f16_values() {
  static auto const values = [] {
    std::array<float, 65536> made{};
    for (std::uint32_t bits = 0; bits < made.size(); ++bits) made[bits] = f16_to_f32(static_cast<std::uint16_t>(bits));
    return made;
  }();
  return values.data();
}

}  // namespace shim
