// Dense f64 arithmetic in tiles of 64, compiled for each instruction set; the same bits however rows are batched.
#pragma once

#include <cstddef>
#include <vector>

#include "amq/core/matrix.hpp"

#define AMQ_SIMD_BODY "amq/predict/detail/dense.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::detail {

/// Side of a tile. Tiles are (64, 64), row-major, aligned.
inline constexpr index tile = 64;

constexpr index tiles(index n) { return (n + tile - 1) / tile; }

/// The same instruction set for all of one fit.
struct dense {
  simd::isa which = simd::best_isa();

  /// c (rows, 64) -= x (rows, 64) b (64, 64); rows must be a multiple of four.
  void subtract_product(double* c, index c_stride, double const* x, index x_stride, double const* b, index rows) const {
    AMQ_SIMD_CALL(which, subtract_product(c, c_stride, x, x_stride, b, rows));
  }
  /// y -= factor x over 64 n values.
  void subtract_scaled(double* y, double factor, double const* x, index n) const {
    AMQ_SIMD_CALL(which, subtract_scaled(y, factor, x, n));
  }
  /// x . y over 64 n values.
  double dot(double const* x, double const* y, index n) const { return AMQ_SIMD_CALL(which, dot(x, y, n)); }
  /// For each row of 64 n values in turn: part = row . r; parts[k] += part; r -= part row.
  void subtract_parts(double* r, double const* rows, index stride, index count, index n, double* parts) const {
    AMQ_SIMD_CALL(which, subtract_parts(r, rows, stride, count, n, parts));
  }
};

/// Columns of 64 that grow to the right without moving: column block j is a matrix (rows, 64).
class column_blocks {
 public:
  column_blocks() = default;
  explicit column_blocks(index rows) : rows_(rows) {}

  void grow_to(index columns) {
    while (static_cast<index>(blocks_.size()) < tiles(columns)) blocks_.emplace_back(rows_, tile);
  }
  double& operator()(index row, index column) { return blocks_[block_of(column)](row, column % tile); }
  matrix<double> const& block(index j) const { return blocks_[static_cast<std::size_t>(j)]; }
  index size() const { return static_cast<index>(blocks_.size()); }

 private:
  static std::size_t block_of(index column) { return static_cast<std::size_t>(column / tile); }

  index rows_ = 0;
  std::vector<matrix<double>> blocks_;
};

}  // namespace amq::detail
