// How a linear layer's matrix is stored, and what that costs.
#pragma once

#include <string>

#include "amq/core/matrix.hpp"

namespace amq {

/// A storage format known at run time: `bits`-wide codes with one f16 scale and one f16 zero per `group` inputs.
/// `bits >= 16` means the matrix is kept in 16 bits as it is, without scales.
struct format {
  static constexpr int whole_row = -1;  ///< as group: one scale and zero for all inputs of an output

  int bits = 4;
  int group = 128;

  constexpr bool kept() const { return bits >= 16; }
  constexpr index group_size(index cols) const { return group == whole_row ? cols : index{group}; }
  constexpr index groups(index cols) const { return kept() ? 0 : cols / group_size(cols); }

  /// Bits a weight, overhead included: bits + 32 / group (AMQ's accounting, arXiv 2509.12019 section 4).
  constexpr double bits_per_weight(index cols) const {
    return kept() ? double(bits) : bits + 32.0 / static_cast<double>(group_size(cols));
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

inline std::string to_string(format f) {
  if (f.kept()) return "kept" + std::to_string(f.bits);
  return std::to_string(f.bits) + "-bit, " +
         (f.group == format::whole_row ? "whole rows" : "groups of " + std::to_string(f.group));
}

}  // namespace amq
