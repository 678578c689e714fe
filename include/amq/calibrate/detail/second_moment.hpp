// Sums of outer products over tokens: products of a few hundred tokens in f32, their sum in f64.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "amq/calibrate/detail/token_panels.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/simd/tile_product.hpp"

namespace amq::detail {

/// Sum of a x^T over tokens, (cols, cols), in strips of rows that different threads may add to. Where a is x, only the
/// upper triangle is computed: as many bytes as the whole in f32.
class second_moment {
 public:
  second_moment() = default;
  second_moment(index cols, bool symmetric) : cols_(cols), symmetric_(symmetric) {
    for (index row = 0; row < cols_; row += strip_rows)
      strips_.emplace_back(std::min(strip_rows, cols_ - row), cols_ - first_col(row));
  }

  index strips() const { return static_cast<index>(strips_.size()); }

  /// Adds one sequence to one strip. Sequences are added in order, so that bits do not depend on threads.
  void add(index strip, token_panels const& a, token_panels const& x, simd::isa which = simd::best_isa()) {
    auto& sum = strips_[static_cast<std::size_t>(strip)];
    index const row = strip * strip_rows;
    matrix<float> rows(sum.rows(), token_panels::chunk_tokens + row_padding);
    matrix<float> product(sum.rows(), sum.cols());
    for (index chunk = 0; chunk < x.chunks(); ++chunk) {
      matrix_view<float> const left(rows.data(), rows.rows(), x.tokens(chunk), rows.cols());
      a.transpose(chunk, row, left);
      simd::multiply_panels(left, x.panels(chunk, first_col(row)), x.panel_stride(chunk), product, false, which);
      for (index i = 0; i < sum.size(); ++i) sum.data()[i] += double{product.data()[i]};
    }
  }

  /// Writes one strip times `factor` to its place in `out` (cols, cols), mirrored where symmetric, and frees it.
  void finish(index strip, double factor, matrix_view<float> out) {
    matrix<double> const sum = std::exchange(strips_[static_cast<std::size_t>(strip)], {});
    index const row = strip * strip_rows;
    index const first = first_col(row);
    for (index i = 0; i < sum.rows(); ++i)
      for (index j = 0; j < sum.cols(); ++j) {
        float const value = static_cast<float>(factor * sum(i, j));
        out(row + i, first + j) = value;
        if (symmetric_) out(first + j, row + i) = value;
      }
  }

 private:
  // A multiple of every panel's width; tall enough for the product, short enough for many threads.
  static constexpr index strip_rows = 64;
  static constexpr index row_padding = 16;  // keeps rows off each other's cache lines

  index first_col(index row) const { return symmetric_ ? row : 0; }

  index cols_ = 0;
  bool symmetric_ = true;
  std::vector<matrix<double>> strips_;
};

}  // namespace amq::detail
