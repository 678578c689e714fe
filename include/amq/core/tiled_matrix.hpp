// A quantized matrix in the packed layout that the kernels read, owned or lying in a mapped file.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/packed_matrix.hpp"
#include "amq/core/tile_layout.hpp"

namespace amq {

/// (rows, cols) in the packed layout; owns nothing, trivially copyable, needs no alignment (64 bytes are fastest).
struct tiled_view {
  std::uint8_t const* data = nullptr;
  index rows = 0;
  index cols = 0;
  tile_layout layout;

  constexpr index tiles() const { return tile_layout::tiles(rows); }
  constexpr index groups() const { return layout.groups(cols); }
  constexpr index bytes() const { return layout.bytes(rows, cols); }
  constexpr format storage() const { return {layout.bits, layout.group}; }

  /// Rows [first, first + count); `first` is a multiple of 16.
  constexpr tiled_view rows_from(index first, index count) const {
    return {block(first / tile_layout::tile_rows, 0), count, cols, layout};
  }

  /// Codes, then 16 scales and 16 zeros in f16, of one tile's inputs [group * g, group * (g + 1)).
  constexpr std::uint8_t const* block(index tile, index group) const {
    return data + (tile * groups() + group) * layout.block_bytes();
  }
};

namespace detail {

/// One block's codes, a byte each, as quads: byte 64 t + 4 r + q is row r, input 4 t + q.
using block_quads = std::array<std::uint8_t, 16 * 128>;

inline void pack_block(tile_layout layout, block_quads const& codes, std::uint8_t* out) {
  auto const quads = layout.quads();
  index const units = layout.group / tile_layout::quad_inputs / layout.unit_quads();
  std::memset(out, 0, static_cast<std::size_t>(layout.code_bytes()));
  std::uint8_t const* from = codes.data();
  for (index unit = 0; unit < units; ++unit, out += layout.unit_vectors() * tile_layout::vector_bytes)
    for (auto const& [pieces, count] : quads) {
      for (int p = 0; p < count; ++p) {
        auto const& piece = pieces[static_cast<std::size_t>(p)];
        unsigned const mask = (1u << piece.width) - 1;
        std::uint8_t* const to = out + piece.vector * tile_layout::vector_bytes;
        for (index i = 0; i < tile_layout::vector_bytes; ++i)
          to[i] = static_cast<std::uint8_t>(to[i] | (((from[i] >> piece.to) & mask) << piece.from));
      }
      from += tile_layout::vector_bytes;
    }
}

inline void unpack_block(tile_layout layout, std::uint8_t const* in, block_quads& codes) {
  auto const quads = layout.quads();
  index const units = layout.group / tile_layout::quad_inputs / layout.unit_quads();
  std::uint8_t* to = codes.data();
  for (index unit = 0; unit < units; ++unit, in += layout.unit_vectors() * tile_layout::vector_bytes)
    for (auto const& [pieces, count] : quads) {
      std::memset(to, 0, static_cast<std::size_t>(tile_layout::vector_bytes));
      for (int p = 0; p < count; ++p) {
        auto const& piece = pieces[static_cast<std::size_t>(p)];
        unsigned const mask = (1u << piece.width) - 1;
        std::uint8_t const* const from = in + piece.vector * tile_layout::vector_bytes;
        for (index i = 0; i < tile_layout::vector_bytes; ++i)
          to[i] = static_cast<std::uint8_t>(to[i] | (((from[i] >> piece.from) & mask) << piece.to));
      }
      to += tile_layout::vector_bytes;
    }
}

}  // namespace detail

/// Owns a matrix in the packed layout, aligned to 64 bytes. Immutable after construction; move-only.
class tiled_matrix {
 public:
  /// Packs. O(rows * cols). Throws input_error, with the list of what there is, for a format without a kernel and for
  /// column groups.
  explicit tiled_matrix(packed_matrix const& source)
      : rows_(source.rows()), cols_(source.cols()), layout_{source.storage().bits, source.storage().group} {
    if (!source.column_groups().empty())
      throw input_error("there is no kernel for a matrix whose columns have groups of their own (GPTQ's act_order)");
    if (auto const refusal = tile_layout::refusal(source.storage(), cols_); !refusal.empty())
      throw input_error(refusal);
    data_ = matrix<std::uint8_t>(1, layout_.bytes(rows_, cols_));
    for (index tile = 0; tile < tile_layout::tiles(rows_); ++tile) pack_tile(source, tile);
  }

  index rows() const { return rows_; }
  index cols() const { return cols_; }
  format storage() const { return {layout_.bits, layout_.group}; }
  tiled_view view() const { return {data_.data(), rows_, cols_, layout_}; }

  /// What it takes in memory, padding rows included.
  std::int64_t bytes() const { return layout_.bytes(rows_, cols_); }

 private:
  void pack_tile(packed_matrix const& source, index tile) {
    index const first = tile * tile_layout::tile_rows, rows = std::min(tile_layout::tile_rows, rows_ - first);
    std::vector<std::uint8_t> codes(static_cast<std::size_t>(rows * cols_));
    for (index r = 0; r < rows; ++r) source.unpack_row(first + r, codes.data() + r * cols_);
    detail::block_quads quads{};
    std::uint8_t* out = data_.data() + tile * layout_.groups(cols_) * layout_.block_bytes();
    for (index group = 0; group < layout_.groups(cols_); ++group, out += layout_.block_bytes()) {
      for (index t = 0; t < layout_.group / tile_layout::quad_inputs; ++t)
        for (index r = 0; r < rows; ++r)
          std::memcpy(quads.data() + 64 * t + 4 * r,
                      codes.data() + r * cols_ + group * layout_.group + tile_layout::quad_inputs * t, 4);
      detail::pack_block(layout_, quads, out);
      for (index r = 0; r < rows; ++r) {
        auto const at = static_cast<std::size_t>((first + r) * source.groups() + group);
        std::uint8_t* const parameters = out + layout_.code_bytes() + 2 * r;
        std::memcpy(parameters, &source.packed_scales()[at], 2);
        std::memcpy(parameters + 2 * tile_layout::tile_rows, &source.packed_zeros()[at], 2);
      }
    }
  }

  index rows_;
  index cols_;
  tile_layout layout_;
  matrix<std::uint8_t> data_;
};

/// The matrix that was packed, bit for bit: the inverse of tiled_matrix. Any bytes are codes, scales and zeros of some
/// matrix, so nothing is checked. O(rows * cols).
inline packed_matrix unpack(tiled_view const& source) {
  index const row_bytes = (source.cols * source.layout.bits + 7) / 8, groups = source.groups();
  std::vector<std::uint8_t> packed(static_cast<std::size_t>(source.rows * row_bytes) + sizeof(std::uint64_t));
  std::vector<std::uint16_t> scales(static_cast<std::size_t>(source.rows * groups)), zeros(scales.size());
  detail::block_quads quads;
  for (index tile = 0; tile < source.tiles(); ++tile)
    for (index group = 0; group < groups; ++group) {
      std::uint8_t const* const block = source.block(tile, group);
      detail::unpack_block(source.layout, block, quads);
      index const first = tile * tile_layout::tile_rows, rows = std::min(tile_layout::tile_rows, source.rows - first);
      for (index r = 0; r < rows; ++r) {
        auto const at = static_cast<std::size_t>((first + r) * groups + group);
        std::uint8_t const* const parameters = block + source.layout.code_bytes() + 2 * r;
        std::memcpy(&scales[at], parameters, 2);
        std::memcpy(&zeros[at], parameters + 2 * tile_layout::tile_rows, 2);
        // A group's codes fill whole bytes: 32 codes of b bits are 4 b bytes.
        std::uint8_t* to =
            packed.data() + (first + r) * row_bytes + group * source.layout.group * source.layout.bits / 8;
        std::array<std::uint8_t, 8> eight;
        for (index t = 0; t < source.layout.group / 4; t += 2, to += source.layout.bits) {
          std::memcpy(eight.data(), quads.data() + 64 * t + 4 * r, 4);
          std::memcpy(eight.data() + 4, quads.data() + 64 * (t + 1) + 4 * r, 4);
          std::uint64_t const word = detail::pack_word(eight.data(), 8, source.layout.bits);
          std::memcpy(to, &word, static_cast<std::size_t>(source.layout.bits));
        }
      }
    }
  packed.resize(static_cast<std::size_t>(source.rows * row_bytes));
  return {source.storage(), source.rows, source.cols, packed, std::move(scales), std::move(zeros)};
}

}  // namespace amq
