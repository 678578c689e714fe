// Cholesky factor of a symmetric positive definite matrix that grows by rows, in blocks of 64 rows.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "amq/core/matrix.hpp"
#include "amq/predict/detail/dense.hpp"

namespace amq::detail {

/// L of A = L L^T. An entry of L is one fixed chain of operations, so growing row by row, in batches or at once gives
/// the same bits. m rows added to n cost O(m n^2); a solution O(n^2); memory n^2 / 2 doubles.
class growing_cholesky {
 public:
  index size() const { return size_; }
  /// Rows whose pivot had to be lifted because the matrix is not positive definite to working precision.
  index lifted() const { return lifted_; }

  /// Appends `count` rows of A: rows(r, j) is A(size() + r, j) for j <= size() + r.
  void append(matrix_view<double const> rows, index count) {
    for (index first = 0; first < count;) {
      index const batch = std::min(count - first, tile - size_ % tile);
      matrix<double> work((batch + 3) / 4 * 4, tile * tiles(size_ + batch));
      for (index r = 0; r < batch; ++r) std::copy_n(rows.row(first + r).begin(), size_ + r + 1, work.row(r).begin());
      append_to_last_block(work, batch);
      first += batch;
    }
  }

  /// x := L^-1 x from entry `first` on, where earlier entries hold that already. x has 64 tiles(size()) entries, zeros
  /// beyond size().
  void solve_lower(std::span<double> x, std::span<double const> right_side, index first) const {
    matrix<double> row(4, tile * tiles(size_));
    std::copy(x.begin(), x.begin() + first, row.data());
    for (index j = first / tile; j < tiles(size_); ++j) {
      index const begin = j * tile;
      std::copy_n(right_side.begin() + begin, std::min(tile, size_ - begin), row.data() + begin);
      eliminate(row, j);
      solve_tile(row.data() + begin, j, tile);
    }
    std::copy_n(row.data(), x.size(), x.begin());
  }

  /// Each row x of rows := L^-1 x, whatever rows are beside it. rows has a multiple of four rows and 64 tiles(size())
  /// columns, zeros beyond size() and before column `first`.
  void solve_lower(matrix<double>& rows, index first = 0) const {
    for (index j = first / tile; j < tiles(size_); ++j) {
      eliminate(rows, j);
      for (index r = 0; r < rows.rows(); ++r) solve_tile(rows.row(r).data() + j * tile, j, tile);
    }
  }

  /// x := L^-T x; x as above.
  void solve_upper(std::span<double> x) const {
    for (index j = tiles(size_) - 1; j >= 0; --j) {
      double* const own = x.data() + j * tile;
      double const* const corner = tile_at(j, j);
      for (index k = tile - 1; k >= 0; --k) {
        double const done = k + 1 < tile ? partial_dot(corner + k * tile, own, k + 1) : 0.0;
        own[k] = (own[k] - done) * inverse_pivots_[at(j * tile + k)];
      }
      for (index k = 0; k < j * tile; ++k) x[at(k)] -= math_.dot(blocks_[at(j)].data() + k * tile, own, 1);
    }
  }

 private:
  static std::size_t at(index i) { return static_cast<std::size_t>(i); }

  double const* tile_at(index block, index column_block) const {
    return blocks_[at(block)].data() + column_block * tile * tile;
  }

  static double partial_dot(double const* a, double const* b, index first) {
    double total = 0;
    for (index r = first; r < tile; ++r) total += a[r] * b[r];
    return total;
  }

  /// Columns of block j lose what the columns before them explain. rows.rows() is a multiple of four.
  void eliminate(matrix<double>& rows, index j) const {
    for (index k = 0; k < j; ++k)
      math_.subtract_product(rows.data() + j * tile, rows.cols(), rows.data() + k * tile, rows.cols(), tile_at(j, k),
                             rows.rows());
  }

  /// Solves within the diagonal tile of block j for the first `count` entries of c (64).
  void solve_tile(double* c, index j, index count) const {
    double const* const corner = tile_at(j, j);
    for (index k = 0; k < count; ++k) {
      double const x = c[k] * inverse_pivots_[at(j * tile + k)];
      math_.subtract_scaled(c, x, corner + k * tile, 1);
      c[k] = x;
    }
  }

  void append_to_last_block(matrix<double>& rows, index count) {
    index const block = size_ / tile;
    index const inside = size_ % tile;
    if (inside == 0) {
      blocks_.emplace_back((block + 1) * tile, tile);
      inverse_pivots_.resize(at((block + 1) * tile), 0.0);
    }
    for (index j = 0; j < block; ++j) {
      eliminate(rows, j);
      for (index r = 0; r < count; ++r) solve_tile(rows.row(r).data() + j * tile, j, tile);
      store(rows, count, j, inside);
    }
    eliminate(rows, block);
    for (index r = 0; r < count; ++r) add_corner_row(rows.row(r).data() + block * tile, block, inside + r);
    size_ += count;
  }

  void store(matrix<double> const& rows, index count, index j, index inside) {
    double* const target = blocks_.back().data() + j * tile * tile;
    for (index k = 0; k < tile; ++k)
      for (index r = 0; r < count; ++r) target[k * tile + inside + r] = rows(r, j * tile + k);
  }

  void add_corner_row(double* c, index block, index inside) {
    double* const corner = blocks_.back().data() + block * tile * tile;
    double const diagonal = c[inside];
    for (index k = 0; k < inside; ++k) {
      double const x = c[k] * inverse_pivots_[at(block * tile + k)];
      corner[k * tile + inside] = x;
      math_.subtract_scaled(c, x, corner + k * tile, 1);
    }
    double const pivot = std::sqrt(lift(c[inside], diagonal));
    corner[inside * tile + inside] = pivot;
    inverse_pivots_[at(block * tile + inside)] = 1 / pivot;
  }

  /// A pivot that rounding has eaten becomes a millionth of the largest diagonal so far: a jitter on this row alone.
  double lift(double square, double diagonal) {
    largest_ = std::max(largest_, std::isfinite(diagonal) ? diagonal : 0.0);
    if (square > 1e-14 * largest_ && std::isfinite(square)) return square;
    ++lifted_;
    return largest_ > 0 ? 1e-6 * largest_ : 1.0;
  }

  dense math_;
  index size_ = 0;
  index lifted_ = 0;
  double largest_ = 0;
  std::vector<matrix<double>> blocks_;  // block j: (64 (j + 1), 64), L(64 j + r, k) at (k, r)
  std::vector<double> inverse_pivots_;
};

}  // namespace amq::detail
