// Codes in 32-bit words, as other programs pack them.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "amq/core/matrix.hpp"
#include "amq/core/packed_matrix.hpp"

namespace amq::detail {

using word_matrix = matrix<std::uint32_t>;

inline index words_of(index count, int bits) { return (count * bits + 31) / 32; }

/// Dense: code i in bits [i * b, (i + 1) * b) of the words as one little-endian stream, which codes may cross. `words`
/// is zero before.
inline void pack_dense(std::span<std::uint8_t const> codes, int bits, std::span<std::uint32_t> words) {
  std::size_t bit = 0;
  for (std::uint8_t const code : codes) {
    std::uint64_t const shifted = std::uint64_t{code} << (bit % 32);
    words[bit / 32] |= static_cast<std::uint32_t>(shifted);
    if (shifted >> 32 != 0) words[bit / 32 + 1] |= static_cast<std::uint32_t>(shifted >> 32);
    bit += static_cast<std::size_t>(bits);
  }
}

/// GPTQModel's planar layout: of every 32 codes, the low bits in words of their own, then the bits above, so that no
/// code crosses a word. 2, 4 and 8 bits lie as in pack_dense. codes.size() is a multiple of 32; `words` is zero before.
inline void pack_planar(std::span<std::uint8_t const> codes, int bits, std::span<std::uint32_t> words) {
  constexpr std::size_t block = 32;
  constexpr std::array<int, 4> widths{8, 4, 2, 1};
  std::uint32_t* to = words.data();
  for (std::size_t first = 0; first + block <= codes.size(); first += block) {
    int offset = 0;
    for (int const width : widths) {
      if ((bits & width) == 0) continue;
      for (int i = 0; i < 32; ++i) {
        auto const code = static_cast<std::uint32_t>(codes[first + static_cast<std::size_t>(i)]);
        to[i * width / 32] |= ((code >> offset) & ((1u << width) - 1)) << (i * width % 32);
      }
      to += width;
      offset += width;
    }
  }
}

inline word_matrix transposed(word_matrix const& words) {
  word_matrix turned(words.cols(), words.rows());
  for (index row = 0; row < words.rows(); ++row)
    for (index col = 0; col < words.cols(); ++col) turned(col, row) = words(row, col);
  return turned;
}

/// The codes of each row, dense, rows in whole words: (rows, words a row). They lie so already, on bytes.
inline word_matrix dense_rows(packed_matrix const& stored) {
  word_matrix words(stored.rows(), words_of(stored.cols(), stored.storage().bits));
  for (index row = 0; row < stored.rows(); ++row)
    std::memcpy(words.row(row).data(), stored.packed_codes().data() + row * stored.row_bytes(),
                static_cast<std::size_t>(stored.row_bytes()));
  return words;
}

/// Integer zeros less `minus`, one row a group: (groups, rows).
inline matrix<std::uint8_t> zeros_by_group(packed_matrix const& stored, int minus = 0) {
  matrix<std::uint8_t> zeros(stored.groups(), stored.rows());
  for (index row = 0; row < stored.rows(); ++row)
    for (index group = 0; group < stored.groups(); ++group)
      zeros(group, row) = static_cast<std::uint8_t>(static_cast<int>(stored.zero(row, group)) - minus);
  return zeros;
}

/// f16 scales, one row a group: (groups, rows).
inline matrix<std::uint16_t> scales_by_group(packed_matrix const& stored) {
  matrix<std::uint16_t> scales(stored.groups(), stored.rows());
  for (index row = 0; row < stored.rows(); ++row)
    for (index group = 0; group < stored.groups(); ++group)
      scales(group, row) = stored.packed_scales()[static_cast<std::size_t>(row * stored.groups() + group)];
  return scales;
}

/// Each row of codes packed by `pack` (pack_dense or pack_planar).
template <class Pack>
word_matrix pack_rows(matrix<std::uint8_t> const& codes, int bits, Pack const& pack) {
  word_matrix words(codes.rows(), words_of(codes.cols(), bits));
  for (index row = 0; row < codes.rows(); ++row) pack(codes.row(row), bits, words.row(row));
  return words;
}

inline matrix<std::uint8_t> unpacked(packed_matrix const& stored) {
  matrix<std::uint8_t> codes(stored.rows(), stored.cols());
  for (index row = 0; row < stored.rows(); ++row) stored.unpack_row(row, codes.row(row).data());
  return codes;
}

}  // namespace amq::detail
