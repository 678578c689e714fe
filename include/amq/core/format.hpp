// How a linear layer's matrix is stored, and what that costs.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "amq/core/matrix.hpp"

namespace amq {

enum class format_kind : std::uint8_t {
  affine,  ///< codes with a scale and a zero a group, or 16 bits as they are
  stack    ///< levels of signs times a product of low rank (BitStack, arXiv 2410.23918)
};

/// How a format is multiplied with: what a program that loads it may expect.
enum class execution : std::uint8_t {
  native,               ///< a kernel reads the stored form
  native_with_columns,  ///< the same, and a few columns in 16 bits beside it
  dequantized           ///< turned into 16 or 32 bits at load; never counted as fast
};

/// The rank that makes a level of a stack cost about 1/8 bit a weight beside its signs, at least 1: 16 for 4096 x 4096,
/// as published.
constexpr index stack_rank(index rows, index cols) {
  constexpr index published_rank = 16, published_size = 4096;
  index const denominator = published_size / 2 * (rows + cols);
  return std::max<index>(1, (published_rank * rows * cols + denominator / 2) / denominator);
}

/// A storage format known at run time. `affine`: `bits`-wide codes with one f16 scale and one f16 zero per `group`
/// inputs; `bits >= 16` means the matrix is kept in 16 bits as it is, without scales; `kept_columns` of the inputs stay
/// in 16 bits beside the codes (OWQ, arXiv 2306.02272). `stack`: `bits` levels.
struct format {
  static constexpr int whole_row = -1;  ///< as group: one scale and zero for all inputs of an output

  int bits = 4;
  int group = 128;
  int kept_columns = 0;
  format_kind kind = format_kind::affine;
  int rank = 0;  ///< of a stack's levels; 0: stack_rank of the matrix

  constexpr bool kept() const { return kind == format_kind::affine && bits >= 16; }
  constexpr bool stacked() const { return kind == format_kind::stack; }
  constexpr index group_size(index cols) const { return group == whole_row ? cols : index{group}; }
  constexpr index groups(index cols) const { return kept() || stacked() ? 0 : cols / group_size(cols); }
  constexpr index level_rank(index rows, index cols) const { return rank > 0 ? rank : stack_rank(rows, cols); }

  /// Bits of a (rows, cols) matrix, overhead included, as AMQ counts them (arXiv 2509.12019, section 4): codes, 32 for
  /// each group's scale and zero. A kept column costs its 16-bit values and a 32-bit place, a level of a stack its
  /// signs and both factors in 16 bits.
  constexpr std::int64_t stored_bits(index rows, index cols) const {
    if (stacked()) return bits * (rows * cols + 16 * level_rank(rows, cols) * (rows + cols));
    return rows * (cols * bits + 32 * groups(cols)) + index{kept_columns} * (16 * rows + 32);
  }

  constexpr double bits_per_weight(index rows, index cols) const {
    return static_cast<double>(stored_bits(rows, cols)) / static_cast<double>(rows * cols);
  }

  constexpr execution runs() const {
    if (kept() || stacked()) return kept() ? execution::native : execution::dequantized;
    return kept_columns > 0 ? execution::native_with_columns : execution::native;
  }

  friend constexpr bool operator==(format, format) = default;
};

/// The compile-time spelling of a format: `affine<4, 128>` is `format{4, 128}`.
template <int Bits, int Group>
struct affine {
  static_assert(Bits >= 2 && Bits <= 8,
                "amq: affine<Bits, Group> holds 2 to 8 bits a code; use another format for other widths");
  static_assert(Group == format::whole_row || Group > 0,
                "amq: affine<Bits, Group> needs a positive group, or format::whole_row");
  static constexpr format value{Bits, Group};
};

/// OWQ's: as affine<Bits, Group>, and `Columns` inputs in 16 bits.
template <int Bits, int Group, int Columns>
struct affine_with_columns {
  static_assert(Columns > 0, "amq: affine_with_columns<Bits, Group, Columns> needs at least one column; or use affine");
  static constexpr format value{affine<Bits, Group>::value.bits, Group, Columns};
};

/// The first `Levels` levels of a BitStack; `Rank` 0 scales with the matrix.
template <int Levels, int Rank = 0>
struct bitstack_levels {
  static_assert(Levels >= 1 && Levels <= 64, "amq: bitstack_levels<Levels> takes 1 to 64 levels");
  static_assert(Rank >= 0, "amq: bitstack_levels<Levels, Rank> needs a rank of at least 1, or 0 to follow the matrix");
  static constexpr format value{Levels, format::whole_row, 0, format_kind::stack, Rank};
};

struct bf16 {};
struct f16 {};

/// Left alone: `kept<bf16>` or `kept<f16>`; which of the two, the source decides.
template <class Type>
struct kept {
  static constexpr format value{16, format::whole_row};
};

inline std::string to_string(format f) {
  if (f.kept()) return "kept" + std::to_string(f.bits);
  if (f.stacked()) return std::to_string(f.bits) + (f.bits == 1 ? " level" : " levels");
  return std::to_string(f.bits) + "-bit, " +
         (f.group == format::whole_row ? "whole rows" : "groups of " + std::to_string(f.group)) +
         (f.kept_columns > 0 ? " and " + std::to_string(f.kept_columns) + " kept columns" : "");
}

/// How formats are written in files and options: `3g128`, `4grow` (whole rows), `3g128+8` (eight kept columns),
/// `stack4`, `stack4r16` (of rank 16), `kept16`.
inline std::string spelling(format f) {
  if (f.kept()) return "kept" + std::to_string(f.bits);
  if (f.stacked()) return "stack" + std::to_string(f.bits) + (f.rank > 0 ? "r" + std::to_string(f.rank) : "");
  return std::to_string(f.bits) + "g" + (f.group == format::whole_row ? "row" : std::to_string(f.group)) +
         (f.kept_columns > 0 ? "+" + std::to_string(f.kept_columns) : "");
}

namespace detail {

/// Takes a number of at least 1 off the front of `text`; nothing when there is none.
inline std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || value < 1) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

inline bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

inline std::optional<format> parse_stack(std::string_view text) {
  auto const levels = take_number(text);
  if (!levels || *levels > 64) return std::nullopt;
  format f{*levels, format::whole_row, 0, format_kind::stack};
  if (take(text, "r")) {
    auto const rank = take_number(text);
    if (!rank) return std::nullopt;
    f.rank = *rank;
  }
  return text.empty() ? std::optional(f) : std::nullopt;
}

}  // namespace detail

/// The inverse of `spelling`; nothing for a text that it does not write.
inline std::optional<format> parse_format(std::string_view text) {
  if (text == "kept16") return kept<bf16>::value;
  if (detail::take(text, "stack")) return detail::parse_stack(text);
  auto const bits = detail::take_number(text);
  if (!bits || *bits < 2 || *bits > 8 || !detail::take(text, "g")) return std::nullopt;
  format f{*bits, format::whole_row};
  if (!detail::take(text, "row")) {
    auto const group = detail::take_number(text);
    if (!group) return std::nullopt;
    f.group = *group;
  }
  if (detail::take(text, "+")) {
    auto const columns = detail::take_number(text);
    if (!columns) return std::nullopt;
    f.kept_columns = *columns;
  }
  return text.empty() ? std::optional(f) : std::nullopt;
}

}  // namespace amq
