// A weight matrix in f32, packed once for products with many activations.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/simd/tile_product.hpp"

namespace amq {

/// W (rows, cols) = (outputs, inputs), copied into the order in which the processor's widest kernel reads it.
///
/// Products are bit for bit the same however many rows are multiplied at once: an element of y is one chain of
/// multiply-adds over the inputs in order. AVX2 and AVX-512 give the same bits; the portable path rounds each product.
/// Immutable after construction, so any number of threads may multiply.
class dense_matrix {
 public:
  /// Copies `weights`, 4 bytes an element, outputs rounded up to whole panels (32 outputs or fewer).
  explicit dense_matrix(matrix_view<float const> weights, simd::isa which = simd::best_isa())
      : rows_(weights.rows), cols_(weights.cols), isa_(which), panels_(1, simd::packed_size(rows_, cols_, which)) {
    simd::pack_panels(weights, panels_.data(), which);
  }

  index rows() const { return rows_; }
  index cols() const { return cols_; }
  simd::isa isa() const { return isa_; }

  /// Outputs that lie side by side in memory: `multiply_from` starts at a multiple of it.
  index panel_rows() const { return simd::panel_cols(isa_); }

  /// y (tokens, rows) = x (tokens, cols) W^T: 2 tokens rows cols operations. x and y must not overlap. Throws
  /// precondition_error when the shapes disagree.
  void multiply(matrix_view<float const> x, matrix_view<float> y) const {
    AMQ_EXPECTS(y.cols == rows_, "a product with a (" + std::to_string(rows_) + ", " + std::to_string(cols_) +
                                     ") matrix has " + std::to_string(rows_) + " columns, not the " +
                                     std::to_string(y.cols) + " of the result given");
    multiply_from(0, x, y);
  }

  /// y (tokens, n) = x times rows [first_row, first_row + n) of W: a tile of an output head too large to be multiplied
  /// at once. first_row is a multiple of panel_rows().
  void multiply_from(index first_row, matrix_view<float const> x, matrix_view<float> y) const {
    AMQ_EXPECTS(x.cols == cols_,
                "a matrix with " + std::to_string(cols_) + " inputs cannot multiply rows of " + std::to_string(x.cols));
    AMQ_EXPECTS(x.rows == y.rows, "a product of " + std::to_string(x.rows) + " rows has as many, not the " +
                                      std::to_string(y.rows) + " of the result given");
    AMQ_EXPECTS(first_row >= 0 && first_row % panel_rows() == 0 && first_row + y.cols <= rows_,
                "rows " + std::to_string(first_row) + " to " + std::to_string(first_row + y.cols) +
                    " of a matrix with " + std::to_string(rows_) + " rows do not start at a panel of " +
                    std::to_string(panel_rows()) + " or end too late");
    if (cols_ <= depth_block && x.stride < aliasing_stride) return multiply_block(first_row, 0, x, y);
    multiply_blocks(first_row, x, y);
  }

 private:
  // Measured on Zen 4: a block of x (512 KB) stays in the second cache level while the panels pass by, and the result
  // is read again only once in a thousand inputs.
  static constexpr index depth_block = 1024;
  static constexpr index token_block = 128;
  static constexpr index row_padding = 16;  // keeps rows of the copy off each other's cache lines
  // Rows this far apart fall onto the same few lines of the first cache level.
  static constexpr index aliasing_stride = 1024;

  /// y (+)= x times inputs [depth, depth + x.cols) of W; adds when it is not the first block of inputs.
  void multiply_block(index first_row, index depth, matrix_view<float const> x, matrix_view<float> y) const {
    float const* const panels = panels_.data() + first_row * cols_ + depth * panel_rows();
    simd::multiply_panels(x, panels, panel_rows() * cols_, y, depth > 0, isa_);
  }

  void multiply_blocks(index first_row, matrix_view<float const> x, matrix_view<float> y) const {
    index const widest = std::min(depth_block, cols_) + row_padding;
    matrix<float> copy(std::min(token_block, x.rows), widest);
    for (index depth = 0; depth < cols_; depth += depth_block) {
      index const inputs = std::min(depth_block, cols_ - depth);
      for (index token = 0; token < x.rows; token += token_block) {
        index const tokens = std::min(token_block, x.rows - token);
        for (index i = 0; i < tokens; ++i)
          std::memcpy(copy.row(i).data(), x.row(token + i).data() + depth,
                      sizeof(float) * static_cast<std::size_t>(inputs));
        multiply_block(first_row, depth, {copy.data(), tokens, inputs, widest}, y.rows_from(token, tokens));
      }
    }
  }

  index rows_;
  index cols_;
  simd::isa isa_;
  matrix<float> panels_;
};

}  // namespace amq
