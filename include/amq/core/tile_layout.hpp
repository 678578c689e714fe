// Where the bits of a code lie in the packed layout that kernels read (version 2; docs/packed-layout.md has a picture).
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "amq/core/format.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// `width` bits of a code, from its bit `to` on, lie in byte vector `vector` of the unit from bit `from` on.
struct code_piece {
  int vector;
  int from;
  int to;
  int width;
};

namespace detail {

/// A unit's quads in order; a code lies in one piece or, where its width does not divide a byte, in up to three.
struct quad_pieces {
  std::array<code_piece, 3> pieces{};
  int count = 0;
};

constexpr quad_pieces pieces(code_piece a) { return {{a}, 1}; }
constexpr quad_pieces pieces(code_piece a, code_piece b) { return {{a, b}, 2}; }
constexpr quad_pieces pieces(code_piece a, code_piece b, code_piece c) { return {{a, b, c}, 3}; }

inline constexpr std::array quads_of_2{pieces({0, 0, 0, 2}), pieces({0, 2, 0, 2}), pieces({0, 4, 0, 2}),
                                       pieces({0, 6, 0, 2})};
inline constexpr std::array quads_of_3{pieces({0, 0, 0, 3}),
                                       pieces({0, 3, 0, 3}),
                                       pieces({1, 0, 0, 3}),
                                       pieces({1, 3, 0, 3}),
                                       pieces({2, 0, 0, 3}),
                                       pieces({2, 3, 0, 3}),
                                       pieces({0, 6, 0, 2}, {2, 6, 2, 1}),
                                       pieces({1, 6, 0, 2}, {2, 7, 2, 1})};
inline constexpr std::array quads_of_4{pieces({0, 0, 0, 4}), pieces({0, 4, 0, 4})};
inline constexpr std::array quads_of_5{pieces({0, 0, 0, 5}),
                                       pieces({1, 0, 0, 5}),
                                       pieces({2, 0, 0, 5}),
                                       pieces({3, 0, 0, 5}),
                                       pieces({4, 0, 0, 5}),
                                       pieces({0, 5, 0, 3}, {3, 5, 3, 2}),
                                       pieces({1, 5, 0, 3}, {4, 5, 3, 2}),
                                       pieces({2, 5, 0, 3}, {3, 7, 3, 1}, {4, 7, 4, 1})};
inline constexpr std::array quads_of_6{pieces({0, 0, 0, 6}), pieces({1, 0, 0, 6}), pieces({2, 0, 0, 6}),
                                       pieces({0, 6, 0, 2}, {1, 6, 2, 2}, {2, 6, 4, 2})};
inline constexpr std::array quads_of_8{pieces({0, 0, 0, 8})};

}  // namespace detail

/// Geometry of the packed layout. 16 rows are a tile; a tile's `group` inputs are a block: first the codes, then 16 f16
/// scales and 16 f16 zeros. Blocks follow each other, group after group and tile after tile, so that a product reads
/// one stream. Codes come in units of `unit_vectors` vectors of 64 bytes that hold `unit_quads` quads: byte 4 r + q of
/// a quad is the code of row r and input 4 t + q, t counting the block's quads. Sizes are exactly `bits + 32 / group` a
/// weight, rows rounded up to 16.
struct tile_layout {
  static constexpr index tile_rows = 16;
  static constexpr index vector_bytes = 64;
  static constexpr index quad_inputs = 4;
  static constexpr index parameter_bytes = 4 * tile_rows;
  static constexpr std::array widths{2, 3, 4, 5, 6, 8};
  static constexpr std::array group_sizes{32, 64, 128};
  static constexpr char const* version = "2";

  int bits = 4;
  int group = 128;

  constexpr bool operator==(tile_layout const&) const = default;

  constexpr index code_bytes() const { return 2 * index{bits} * group; }
  constexpr index block_bytes() const { return code_bytes() + parameter_bytes; }
  static constexpr index tiles(index rows) { return (rows + tile_rows - 1) / tile_rows; }
  constexpr index groups(index cols) const { return cols / group; }
  constexpr index bytes(index rows, index cols) const { return tiles(rows) * groups(cols) * block_bytes(); }

  /// Where each quad of a unit lies.
  constexpr std::span<detail::quad_pieces const> quads() const {
    switch (bits) {
      case 2:
        return detail::quads_of_2;
      case 3:
        return detail::quads_of_3;
      case 4:
        return detail::quads_of_4;
      case 5:
        return detail::quads_of_5;
      case 6:
        return detail::quads_of_6;
      default:
        return detail::quads_of_8;
    }
  }
  constexpr int unit_quads() const { return static_cast<int>(quads().size()); }
  constexpr int unit_vectors() const { return unit_quads() * bits / 8; }

  static constexpr bool holds(format f) {
    return f.kind == format_kind::affine && f.kept_columns == 0 &&
           std::find(widths.begin(), widths.end(), f.bits) != widths.end() &&
           std::find(group_sizes.begin(), group_sizes.end(), f.group) != group_sizes.end();
  }

  /// Why a matrix with `cols` inputs in that format has no packed layout, as a sentence; empty when it has one.
  static std::string refusal(format f, index cols) {
    if (!holds(f))
      return "there is no kernel for " + to_string(f) +
             "; kernels read 2, 3, 4, 5, 6 and 8 bits in groups of 32, 64 "
             "and 128";
    if (cols <= 0 || cols % f.group != 0)
      return "groups of " + std::to_string(f.group) + " do not divide " + std::to_string(cols) + " inputs";
    return {};
  }
};

}  // namespace amq
