// A matrix as a sum of levels, each a sign matrix times a product of low rank (BitStack, arXiv 2410.23918).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// One level: `signs` row-major over (rows, cols), eight a byte, most significant bit first, 1 meaning +1, the last
/// byte filled with 0; `left` (rows, rank) and `right` (rank, cols) as f16 bits.
struct stack_level {
  std::vector<std::uint8_t> signs;
  matrix<std::uint16_t> left;
  matrix<std::uint16_t> right;

  [[nodiscard]] stack_level clone() const { return {signs, left.clone(), right.clone()}; }
};

/// Element (r, c) is sum over levels of sign(r, c) * (left right)(r, c), divided by `channel_scale()[c]` where there is
/// one. Move-only.
class residual_stack {
 public:
  /// Throws precondition_error for levels whose shapes differ from (rows, cols).
  residual_stack(index rows, index cols, std::vector<stack_level> levels, std::vector<float> channel_scale = {})
      : rows_(rows), cols_(cols), levels_(std::move(levels)), channel_scale_(std::move(channel_scale)) {
    for (auto const& level : levels_)
      AMQ_EXPECTS(std::ssize(level.signs) == (rows * cols + 7) / 8 && level.left.rows() == rows &&
                      level.right.cols() == cols && level.left.cols() == level.right.rows(),
                  "residual_stack needs levels of (" + std::to_string(rows) + ", " + std::to_string(cols) +
                      "): a sign a weight and factors that multiply to that shape");
    AMQ_EXPECTS(channel_scale_.empty() || std::ssize(channel_scale_) == cols,
                "residual_stack needs one channel scale an input, or none");
  }

  index rows() const { return rows_; }
  index cols() const { return cols_; }
  std::vector<stack_level> const& levels() const { return levels_; }
  std::vector<float> const& channel_scale() const { return channel_scale_; }

  [[nodiscard]] residual_stack clone() const {
    std::vector<stack_level> levels;
    for (auto const& level : levels_) levels.push_back(level.clone());
    return {rows_, cols_, std::move(levels), channel_scale_};
  }

  /// In f32, levels in order. O(levels * rows * cols * rank).
  void dequantize(matrix_view<float> out) const {
    AMQ_EXPECTS(out.rows == rows_ && out.cols == cols_, "residual_stack::dequantize needs an output of its own shape");
    for (index row = 0; row < rows_; ++row) std::fill_n(out.row(row).data(), cols_, 0.0f);
    std::vector<float> product(static_cast<std::size_t>(cols_));
    for (auto const& level : levels_)
      for (index row = 0; row < rows_; ++row) add_row(level, row, product, out.row(row).data());
    if (channel_scale_.empty()) return;
    for (index row = 0; row < rows_; ++row)
      for (index col = 0; col < cols_; ++col) out(row, col) /= channel_scale_[static_cast<std::size_t>(col)];
  }

  /// Bytes of signs and factors.
  std::int64_t bytes() const {
    std::int64_t total = 0;
    for (auto const& level : levels_) total += std::ssize(level.signs) + 2 * (level.left.size() + level.right.size());
    return total;
  }

 private:
  void add_row(stack_level const& level, index row, std::vector<float>& product, float* out) const {
    std::fill(product.begin(), product.end(), 0.0f);
    for (index k = 0; k < level.left.cols(); ++k) {
      float const factor = f16_to_f32(level.left(row, k));
      for (index col = 0; col < cols_; ++col)
        product[static_cast<std::size_t>(col)] += factor * f16_to_f32(level.right(k, col));
    }
    for (index col = 0; col < cols_; ++col) {
      index const bit = row * cols_ + col;
      bool const positive = (level.signs[static_cast<std::size_t>(bit / 8)] >> (7 - bit % 8)) & 1;
      float const value = product[static_cast<std::size_t>(col)];
      out[col] += positive ? value : -value;
    }
  }

  index rows_;
  index cols_;
  std::vector<stack_level> levels_;
  std::vector<float> channel_scale_;
};

}  // namespace amq
