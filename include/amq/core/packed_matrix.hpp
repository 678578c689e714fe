// A quantized matrix in memory: a dense bit stream of codes a row, one f16 scale and one f16 zero a group.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

namespace detail {

static_assert(std::endian::native == std::endian::little,
              "amq: packed codes are little-endian words; this machine is not");

/// Codes are moved in eights: eight codes of b bits fill exactly b bytes, and one 8-byte word holds them all.
inline constexpr index codes_per_word = 8;

inline std::uint64_t pack_word(std::uint8_t const* codes, index count, int bits) {
  std::uint64_t word = 0;
  for (index i = 0; i < count; ++i) word |= std::uint64_t{codes[i]} << (i * bits);
  return word;
}

template <int Bits>
void unpack_codes(std::uint8_t const* packed, index count, std::uint8_t* codes) {
  constexpr std::uint64_t mask = (1u << Bits) - 1;
  index i = 0;
  for (; i + codes_per_word <= count; i += codes_per_word, packed += Bits) {
    std::uint64_t word;
    std::memcpy(&word, packed, sizeof word);
    for (int k = 0; k < codes_per_word; ++k) codes[i + k] = static_cast<std::uint8_t>((word >> (k * Bits)) & mask);
  }
  std::uint64_t word;
  std::memcpy(&word, packed, sizeof word);
  for (int k = 0; i + k < count; ++k) codes[i + k] = static_cast<std::uint8_t>((word >> (k * Bits)) & mask);
}

inline void unpack_codes(int bits, std::uint8_t const* packed, index count, std::uint8_t* codes) {
  using unpacker = void (*)(std::uint8_t const*, index, std::uint8_t*);
  constexpr std::array<unpacker, 7> by_bits{unpack_codes<2>, unpack_codes<3>, unpack_codes<4>, unpack_codes<5>,
                                            unpack_codes<6>, unpack_codes<7>, unpack_codes<8>};
  by_bits[static_cast<std::size_t>(bits - 2)](packed, count, codes);
}

[[noreturn]] inline void fail_f16(char const* what, float value, index row, index group, char const* limit) {
  std::ostringstream message;
  message << "the " << what << ' ' << value << " of row " << row << ", group " << group
          << " cannot be stored as a 16-bit float (" << limit << "); use a quantizer or a group size that avoids it";
  throw input_error(message.str());
}

inline std::uint16_t store_scale(float value, index row, index group) {
  std::uint16_t const stored = f32_to_f16(value);
  if (!std::isfinite(f16_to_f32(stored))) fail_f16("scale", value, row, group, "at most 65504 in magnitude");
  if (value != 0 && f16_to_f32(stored) == 0) fail_f16("scale", value, row, group, "at least 6e-8 in magnitude");
  return stored;
}

inline std::uint16_t store_zero(float value, index row, index group) {
  std::uint16_t const stored = f32_to_f16(value);
  if (!std::isfinite(f16_to_f32(stored))) fail_f16("zero", value, row, group, "at most 65504 in magnitude");
  return stored;
}

}  // namespace detail

/// A (rows, cols) matrix whose element is (code - zero) * scale of its group, a group being `storage().group`
/// consecutive columns, or those that `column_groups()` gives it. Row r of `packed_codes()` holds code c in bits
/// [c * b, (c + 1) * b), lowest bit first, and starts on a byte. Scales and zeros are f16, row-major (rows, groups).
class packed_matrix {
 public:
  packed_matrix() = default;

  /// Packs `codes` (rows, cols), each below 2^bits, with `scales` and `zeros` (rows, groups). O(rows * cols).
  /// Throws input_error where f16 cannot hold a scale or zero (not finite, too large, or a scale that would become 0),
  /// with the value, row and group; the caller adds the layer's name. Throws precondition_error for shapes that do not
  /// fit the format.
  packed_matrix(format storage, matrix_view<std::uint8_t const> codes, matrix_view<float const> scales,
                matrix_view<float const> zeros)
      : storage_(storage), rows_(codes.rows), cols_(codes.cols) {
    measure();
    check_parameters(scales.rows, scales.cols);
    check_parameters(zeros.rows, zeros.cols);
    pack_codes(codes);
    pack_parameters(scales, zeros);
  }

  /// Takes codes, scales and zeros as `packed_codes()`, `packed_scales()` and `packed_zeros()` gave them. O(bytes).
  /// Throws precondition_error for sizes that do not fit the format.
  packed_matrix(format storage, index rows, index cols, std::span<std::uint8_t const> packed_codes,
                std::vector<std::uint16_t> packed_scales, std::vector<std::uint16_t> packed_zeros)
      : storage_(storage),
        rows_(rows),
        cols_(cols),
        scales_(std::move(packed_scales)),
        zeros_(std::move(packed_zeros)) {
    measure();
    AMQ_EXPECTS(std::ssize(packed_codes) == rows_ * row_bytes_ && std::ssize(scales_) == rows_ * groups_ &&
                    std::ssize(zeros_) == rows_ * groups_,
                "packed_matrix of " + shape(rows_, cols_) + " needs " + std::to_string(rows_ * row_bytes_) +
                    " bytes of codes and " + std::to_string(rows_ * groups_) + " scales and zeros");
    codes_.reserve(padded_bytes());
    codes_.assign(packed_codes.begin(), packed_codes.end());
    codes_.resize(padded_bytes());
  }

  /// This matrix with column c in group `groups[c]`. Throws precondition_error unless there is one of its groups for
  /// each column. O(cols).
  [[nodiscard]] packed_matrix with_column_groups(std::vector<std::int32_t> groups) && {
    auto const outside = [this](std::int32_t group) { return group < 0 || group >= groups_; };
    AMQ_EXPECTS(std::ssize(groups) == cols_ && std::none_of(groups.begin(), groups.end(), outside),
                "packed_matrix needs a group below " + std::to_string(groups_) + " for each of its " +
                    std::to_string(cols_) + " columns");
    column_groups_ = std::move(groups);
    return std::move(*this);
  }

  index rows() const { return rows_; }
  index cols() const { return cols_; }
  index groups() const { return groups_; }
  format storage() const { return storage_; }

  /// The code in [0, 2^bits) of one element.
  int code(index row, index col) const {
    index const bit = col * storage_.bits;
    std::uint8_t const* const first = codes_.data() + row * row_bytes_ + bit / 8;
    unsigned const pair = first[0] | (unsigned{first[1]} << 8);
    return static_cast<int>((pair >> (bit % 8)) & ((1u << storage_.bits) - 1));
  }
  float scale(index row, index group) const { return f16_to_f32(scales_[at(row, group)]); }
  float zero(index row, index group) const { return f16_to_f32(zeros_[at(row, group)]); }

  /// Bytes from one row's codes to the next's.
  index row_bytes() const { return row_bytes_; }
  std::span<std::uint8_t const> packed_codes() const {
    return {codes_.data(), static_cast<std::size_t>(rows_ * row_bytes_)};
  }
  /// f16 bits, (rows, groups).
  std::span<std::uint16_t const> packed_scales() const { return scales_; }
  std::span<std::uint16_t const> packed_zeros() const { return zeros_; }
  /// The group of each column (what GPTQ calls g_idx); empty: consecutive columns share one.
  std::span<std::int32_t const> column_groups() const { return column_groups_; }

  /// One row's codes, a byte each; `out` has cols() elements.
  void unpack_row(index row, std::uint8_t* out) const {
    detail::unpack_codes(storage_.bits, codes_.data() + row * row_bytes_, cols_, out);
  }

  /// out(r, c) = (code - zero) * scale in f32, from the stored f16 values. O(rows * cols).
  void dequantize(matrix_view<float> out) const {
    AMQ_EXPECTS(out.rows == rows_ && out.cols == cols_, "packed_matrix::dequantize needs an output of " +
                                                            shape(rows_, cols_) + ", not " + shape(out.rows, out.cols));
    std::vector<std::uint8_t> codes(static_cast<std::size_t>(cols_));
    for (index row = 0; row < rows_; ++row) {
      unpack_row(row, codes.data());
      dequantize_row(row, codes.data(), out.row(row).data());
    }
  }

  /// Bytes that the codes, scales, zeros and column groups take.
  std::int64_t bytes() const { return rows_ * (row_bytes_ + 4 * groups_) + 4 * std::ssize(column_groups_); }

 private:
  static std::string shape(index rows, index cols) {
    return std::string("(") + std::to_string(rows) + ", " + std::to_string(cols) + ")";
  }

  std::size_t at(index row, index group) const { return static_cast<std::size_t>(row * groups_ + group); }

  std::size_t padded_bytes() const {
    // The last row's last word is read and written whole, so a word's worth of padding follows the codes.
    return static_cast<std::size_t>(rows_ * row_bytes_ + index{sizeof(std::uint64_t)});
  }

  /// Checks the format and derives what follows from it.
  void measure() {
    AMQ_EXPECTS(storage_.bits >= 2 && storage_.bits <= 8,
                "packed_matrix holds 2 to 8 bits a code, not " + std::to_string(storage_.bits));
    AMQ_EXPECTS(storage_.group == format::whole_row || storage_.group > 0,
                "packed_matrix needs a positive group or format::whole_row, not " + std::to_string(storage_.group));
    index const group = storage_.group_size(cols_);
    AMQ_EXPECTS(cols_ > 0 && cols_ % group == 0, "packed_matrix needs a group that divides the columns; " +
                                                     std::to_string(group) + " does not divide " +
                                                     std::to_string(cols_));
    groups_ = cols_ / group;
    row_bytes_ = (cols_ * storage_.bits + 7) / 8;
  }

  void check_parameters(index rows, index groups) const {
    AMQ_EXPECTS(rows == rows_ && groups == groups_,
                "packed_matrix needs scales and zeros of " + shape(rows_, groups_) + ", not " + shape(rows, groups));
  }

  void pack_codes(matrix_view<std::uint8_t const> codes) {
    codes_.resize(padded_bytes());
    unsigned used = 0;
    for (index row = 0; row < rows_; ++row) {
      std::uint8_t const* const from = codes.row(row).data();
      std::uint8_t* to = codes_.data() + row * row_bytes_;
      for (index col = 0; col < cols_; ++col) used |= from[col];
      for (index col = 0; col < cols_; col += detail::codes_per_word, to += storage_.bits) {
        std::uint64_t const word =
            detail::pack_word(from + col, std::min(detail::codes_per_word, cols_ - col), storage_.bits);
        std::memcpy(to, &word, sizeof word);
      }
    }
    AMQ_EXPECTS(used < (1u << storage_.bits),
                "packed_matrix found a code that does not fit in " + std::to_string(storage_.bits) + " bits");
  }

  void pack_parameters(matrix_view<float const> scales, matrix_view<float const> zeros) {
    scales_.reserve(static_cast<std::size_t>(rows_ * groups_));
    zeros_.reserve(static_cast<std::size_t>(rows_ * groups_));
    for (index row = 0; row < rows_; ++row)
      for (index group = 0; group < groups_; ++group) {
        scales_.push_back(detail::store_scale(scales(row, group), row, group));
        zeros_.push_back(detail::store_zero(zeros(row, group), row, group));
      }
  }

  void dequantize_row(index row, std::uint8_t const* codes, float* out) const {
    if (!column_groups_.empty()) {
      for (index col = 0; col < cols_; ++col) {
        index const group = column_groups_[static_cast<std::size_t>(col)];
        out[col] = (static_cast<float>(codes[col]) - zero(row, group)) * scale(row, group);
      }
      return;
    }
    index const size = storage_.group_size(cols_);
    for (index group = 0; group < groups_; ++group) {
      float const s = scale(row, group);
      float const z = zero(row, group);
      for (index col = group * size; col < (group + 1) * size; ++col)
        out[col] = (static_cast<float>(codes[col]) - z) * s;
    }
  }

  format storage_;
  index rows_ = 0;
  index cols_ = 0;
  index groups_ = 0;
  index row_bytes_ = 0;
  std::vector<std::uint8_t> codes_;
  std::vector<std::uint16_t> scales_;
  std::vector<std::uint16_t> zeros_;
  std::vector<std::int32_t> column_groups_;
};

}  // namespace amq
