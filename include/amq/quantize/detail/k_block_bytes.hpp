// The bytes of GGUF's K blocks: where each bit of codes, scales and minima lies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "amq/quantize/detail/k_block.hpp"

namespace amq::detail {

/// Walks over a block's fields in the order of the file.
class byte_writer {
 public:
  explicit byte_writer(std::uint8_t* at) : at_(at) {}
  template <std::size_t N>
  void put(std::array<std::uint8_t, N> const& field) {
    std::memcpy(at_, field.data(), N);
    at_ += N;
  }
  void put(std::uint16_t field) {
    std::memcpy(at_, &field, sizeof field);
    at_ += sizeof field;
  }

 private:
  std::uint8_t* at_;
};

class byte_reader {
 public:
  explicit byte_reader(std::uint8_t const* at) : at_(at) {}
  template <std::size_t N>
  std::array<std::uint8_t, N> take() {
    std::array<std::uint8_t, N> field;
    std::memcpy(field.data(), at_, N);
    at_ += N;
    return field;
  }
  std::uint16_t take_f16() {
    std::uint16_t field;
    std::memcpy(&field, at_, sizeof field);
    at_ += sizeof field;
    return field;
  }

 private:
  std::uint8_t const* at_;
};

/// Puts `Width` bits of all 256 codes, from bit `From` on, into 32 * Width bytes. The block is cut into runs of
/// `Run` * 8 / Width codes; a run has `Run` bytes, and byte b holds the codes b, b + Run, b + 2 Run, ... of its run.
template <index Width, index Run, int From = 0>
std::array<std::uint8_t, 32 * Width> gather_bits(std::array<std::uint8_t, k_block_size> const& codes) {
  constexpr index shares = 8 / Width;
  std::array<std::uint8_t, 32 * Width> bytes{};
  for (index i = 0; i < k_block_size; ++i) {
    index const run = i / (Run * shares);
    index const share = i / Run % shares;
    unsigned const bits = (codes[static_cast<std::size_t>(i)] >> From) & ((1u << Width) - 1);
    auto& byte = bytes[static_cast<std::size_t>(run * Run + i % Run)];
    byte = static_cast<std::uint8_t>(byte | (bits << (share * Width)));
  }
  return bytes;
}

/// The inverse of `gather_bits`: ors the bits into `codes`.
template <index Width, index Run, int From = 0>
void scatter_bits(std::array<std::uint8_t, 32 * Width> const& bytes, std::array<std::uint8_t, k_block_size>& codes) {
  constexpr index shares = 8 / Width;
  for (index i = 0; i < k_block_size; ++i) {
    index const run = i / (Run * shares);
    index const share = i / Run % shares;
    unsigned const bits =
        (unsigned{bytes[static_cast<std::size_t>(run * Run + i % Run)]} >> (share * Width)) & ((1u << Width) - 1);
    auto& code = codes[static_cast<std::size_t>(i)];
    code = static_cast<std::uint8_t>(code | (bits << From));
  }
}

/// Codes counted from the lowest one.
template <gguf_type Type>
std::array<std::uint8_t, k_block_size> unsigned_codes(k_block const& block) {
  std::array<std::uint8_t, k_block_size> codes;
  for (std::size_t i = 0; i < codes.size(); ++i)
    codes[i] = static_cast<std::uint8_t>(block.codes[i] - k_traits<Type>::lowest_code);
  return codes;
}

template <gguf_type Type>
void set_codes(std::array<std::uint8_t, k_block_size> const& codes, k_block& block) {
  for (std::size_t i = 0; i < codes.size(); ++i)
    block.codes[i] = static_cast<std::int8_t>(codes[i] + k_traits<Type>::lowest_code);
}

/// Q4_K and Q5_K: eight 6-bit scales and minima in 12 bytes. The first four of each lie whole in a byte, whose two
/// upper bits hold those of the last four; the lower four bits of these share the last four bytes.
inline std::array<std::uint8_t, 12> six_bit_pairs(k_block const& block) {
  std::array<std::uint8_t, 12> bytes{};
  for (std::size_t i = 0; i < 4; ++i) {
    auto const upper = [](int value) { return (value >> 4) << 6; };
    bytes[i] = static_cast<std::uint8_t>(block.scales[i] | upper(block.scales[i + 4]));
    bytes[i + 4] = static_cast<std::uint8_t>(block.minima[i] | upper(block.minima[i + 4]));
    bytes[i + 8] = static_cast<std::uint8_t>((block.scales[i + 4] & 15) | ((block.minima[i + 4] & 15) << 4));
  }
  return bytes;
}

inline void set_six_bit_pairs(std::array<std::uint8_t, 12> const& bytes, k_block& block) {
  for (std::size_t i = 0; i < 4; ++i) {
    block.scales[i] = bytes[i] & 63;
    block.minima[i] = bytes[i + 4] & 63;
    block.scales[i + 4] = (bytes[i + 8] & 15) | ((bytes[i] >> 6) << 4);
    block.minima[i + 4] = (bytes[i + 8] >> 4) | ((bytes[i + 4] >> 6) << 4);
  }
}

/// Q3_K: sixteen scales, 32 added, in 12 bytes: lower four bits of scales i and i + 8 in byte i, upper two bits of
/// scales i, i + 4, i + 8 and i + 12 in byte 8 + i.
inline std::array<std::uint8_t, 12> six_bit_scales(k_block const& block) {
  std::array<std::uint8_t, 12> bytes{};
  for (std::size_t i = 0; i < 16; ++i) {
    int const value = block.scales[i] + 32;
    bytes[i % 8] = static_cast<std::uint8_t>(bytes[i % 8] | ((value & 15) << (i / 8 * 4)));
    bytes[8 + i % 4] = static_cast<std::uint8_t>(bytes[8 + i % 4] | ((value >> 4) << (i / 4 * 2)));
  }
  return bytes;
}

inline void set_six_bit_scales(std::array<std::uint8_t, 12> const& bytes, k_block& block) {
  for (std::size_t i = 0; i < 16; ++i) {
    int const lower = (bytes[i % 8] >> (i / 8 * 4)) & 15;
    int const upper = (bytes[8 + i % 4] >> (i / 4 * 2)) & 3;
    block.scales[i] = (lower | (upper << 4)) - 32;
  }
}

template <gguf_type Type>
void write_k_block(k_block const& block, std::uint8_t* out) {
  auto const codes = unsigned_codes<Type>(block);
  byte_writer to(out);
  if constexpr (Type == gguf_type::q2_k) {
    std::array<std::uint8_t, 16> pairs;
    for (std::size_t i = 0; i < 16; ++i) pairs[i] = static_cast<std::uint8_t>(block.scales[i] | (block.minima[i] << 4));
    to.put(pairs);
    to.put(gather_bits<2, 32>(codes));
    to.put(block.d);
    to.put(block.dmin);
  } else if constexpr (Type == gguf_type::q3_k) {
    to.put(gather_bits<1, 32, 2>(codes));
    to.put(gather_bits<2, 32>(codes));
    to.put(six_bit_scales(block));
    to.put(block.d);
  } else if constexpr (Type == gguf_type::q6_k) {
    std::array<std::uint8_t, 16> scales;
    for (std::size_t i = 0; i < 16; ++i) scales[i] = static_cast<std::uint8_t>(block.scales[i]);
    to.put(gather_bits<4, 64>(codes));
    to.put(gather_bits<2, 32, 4>(codes));
    to.put(scales);
    to.put(block.d);
  } else {
    to.put(block.d);
    to.put(block.dmin);
    to.put(six_bit_pairs(block));
    if constexpr (Type == gguf_type::q5_k) to.put(gather_bits<1, 32, 4>(codes));
    to.put(gather_bits<4, 32>(codes));
  }
}

template <gguf_type Type>
k_block read_k_block(std::uint8_t const* bytes) {
  k_block block;
  std::array<std::uint8_t, k_block_size> codes{};
  byte_reader from(bytes);
  if constexpr (Type == gguf_type::q2_k) {
    auto const pairs = from.take<16>();
    for (std::size_t i = 0; i < 16; ++i) {
      block.scales[i] = pairs[i] & 15;
      block.minima[i] = pairs[i] >> 4;
    }
    scatter_bits<2, 32>(from.take<64>(), codes);
    block.d = from.take_f16();
    block.dmin = from.take_f16();
  } else if constexpr (Type == gguf_type::q3_k) {
    scatter_bits<1, 32, 2>(from.take<32>(), codes);
    scatter_bits<2, 32>(from.take<64>(), codes);
    set_six_bit_scales(from.take<12>(), block);
    block.d = from.take_f16();
  } else if constexpr (Type == gguf_type::q6_k) {
    scatter_bits<4, 64>(from.take<128>(), codes);
    scatter_bits<2, 32, 4>(from.take<64>(), codes);
    auto const scales = from.take<16>();
    for (std::size_t i = 0; i < 16; ++i) block.scales[i] = static_cast<std::int8_t>(scales[i]);
    block.d = from.take_f16();
  } else {
    block.d = from.take_f16();
    block.dmin = from.take_f16();
    set_six_bit_pairs(from.take<12>(), block);
    if constexpr (Type == gguf_type::q5_k) scatter_bits<1, 32, 4>(from.take<32>(), codes);
    scatter_bits<4, 32>(from.take<128>(), codes);
  }
  set_codes<Type>(codes, block);
  return block;
}

}  // namespace amq::detail
