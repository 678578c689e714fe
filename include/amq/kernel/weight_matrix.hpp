// One matrix of a model that runs: in tiles, as the rows of a checkpoint, or in f32.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/quantized_matrix.hpp"
#include "amq/core/tiled_matrix.hpp"
#include "amq/kernel/dense_product.hpp"
#include "amq/kernel/dense_rows.hpp"

namespace amq {

/// (rows, cols) = (outputs, inputs). Views lie in memory that somebody else keeps (a mapped file). Immutable;
/// move-only.
class weight_matrix {
 public:
  weight_matrix(tiled_view mapped) : stored_(mapped) {}
  weight_matrix(dense_rows mapped) : stored_(mapped) {}
  weight_matrix(tiled_matrix owned) : stored_(std::move(owned)) {}
  weight_matrix(dense_matrix owned) : stored_(std::move(owned)) {}

  /// Tiles of what a quantizer made, where kernels read its form; none for formats without a kernel
  /// (core/tile_layout.hpp lists them), column groups, scales of the inputs, and stored forms other than codes.
  static std::optional<weight_matrix> in_tiles(quantized_matrix const& stored) {
    auto const* const codes = stored.get_if<packed_matrix>();
    if (codes == nullptr || !stored.input_scales().empty() || !codes->column_groups().empty()) return std::nullopt;
    if (!tile_layout::refusal(codes->storage(), codes->cols()).empty()) return std::nullopt;
    return tiled_matrix(*codes);
  }

  /// The same matrix, owned by this one, which must stay where it is.
  weight_matrix view() const {
    if (auto const tiles = tiled()) return *tiles;
    if (auto const* const mapped = plain()) return *mapped;
    return weight_matrix(dense());
  }

  index rows() const {
    if (auto const tiles = tiled()) return tiles->rows;
    if (auto const* const mapped = plain()) return mapped->rows;
    return dense()->rows();
  }
  index cols() const {
    if (auto const tiles = tiled()) return tiles->cols;
    if (auto const* const mapped = plain()) return mapped->cols;
    return dense()->cols();
  }

  /// What a product with one row reads from memory.
  std::int64_t bytes() const {
    if (auto const tiles = tiled()) return tiles->bytes();
    if (auto const* const mapped = plain()) return mapped->bytes();
    return std::int64_t{sizeof(float)} * rows() * cols();
  }

  /// The tiles, where it is stored so.
  std::optional<tiled_view> tiled() const {
    if (auto const* const view = std::get_if<tiled_view>(&stored_)) return *view;
    if (auto const* const owned = std::get_if<tiled_matrix>(&stored_)) return owned->view();
    return std::nullopt;
  }
  /// The rows in a checkpoint's dtype, or null.
  dense_rows const* plain() const { return std::get_if<dense_rows>(&stored_); }
  /// In f32, or null.
  dense_matrix const* dense() const {
    if (auto const* const borrowed = std::get_if<dense_matrix const*>(&stored_)) return *borrowed;
    return std::get_if<dense_matrix>(&stored_);
  }

 private:
  explicit weight_matrix(dense_matrix const* borrowed) : stored_(borrowed) {}

  std::variant<tiled_view, dense_rows, dense_matrix const*, tiled_matrix, dense_matrix> stored_;
};

/// A quantized matrix as it runs: in tiles where kernels read its form, else in f32. O(rows * cols).
inline weight_matrix running_matrix(quantized_matrix const& stored) {
  if (auto tiles = weight_matrix::in_tiles(stored)) return std::move(*tiles);
  return dense_matrix(stored.dequantized());
}

}  // namespace amq
