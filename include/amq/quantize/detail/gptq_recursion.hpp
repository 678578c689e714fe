// GPTQ's recursion over all columns of a matrix, in blocks whose errors reach the columns after them as one product.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "amq/core/matrix.hpp"
#include "amq/core/simd/tile_product.hpp"
#include "amq/quantize/detail/gptq_block.hpp"
#include "amq/quantize/detail/gptq_factor.hpp"
#include "amq/quantize/detail/group_range.hpp"
#include "amq/quantize/rtn.hpp"

namespace amq::detail {

/// How the columns are cut into groups, in processing order. Positions from `quantized` on keep their values.
struct gptq_groups {
  std::vector<std::int32_t> of;  ///< by position: positions of one group that follow each other are a run
  index count = 0;
  index quantized = 0;
  bool fixed = false;  ///< scales and zeros are known before the first column is quantized
};

/// Scale and zero of a group, from the range of its weights.
struct gptq_scaling {
  float highest;
  bool symmetric;
  bool stored;  ///< the scale is what f16 holds of it, so that errors are those of the stored matrix

  group_parameters of(group_range range, index row, index group) const {
    auto parameters = gptq_parameters(range, highest, symmetric);
    if (stored) parameters.scale = f16_to_f32(store_scale(parameters.scale, row, group));
    return parameters;
  }
};

/// Works on transposed matrices (columns, rows), so that one instruction serves many rows.
///
/// The published recursion keeps weights W that make up for all errors so far. Here E R is kept instead, E being the
/// errors of the columns that are done and H = R R^T: a block of W is its own weights plus (E R) U for the block's own
/// U = R^-1 alone, so the Hessian's inverse is never needed as a whole.
class gptq_recursion {
 public:
  gptq_recursion(matrix_view<float const> weights, gptq_factor const& factor, gptq_groups groups, gptq_scaling scaling)
      : factor_(factor),
        groups_(std::move(groups)),
        scaling_(scaling),
        rows_(weights.rows),
        // Padded to whole vectors, and off a power of two, where rows fall onto the same lines of the cache.
        stride_((rows_ + row_step - 1) / row_step * row_step + row_step),
        weights_(weights.cols, stride_),
        pushed_(weights.cols, stride_),
        codes_(weights.cols, stride_),
        scales_(groups_.count, stride_),
        zeros_(groups_.count, stride_) {
    std::fill(scales_.data(), scales_.data() + scales_.size(), 1.0f);
    // A few rows at a time, so that both matrices are read and written by whole lines of the cache.
    for (index first = 0; first < rows_; first += row_step)
      for (index k = 0; k < cols(); ++k)
        for (index row = first; row < std::min(first + row_step, rows_); ++row)
          weights_(k, row) = weights(row, column(k));
  }

  index cols() const { return weights_.rows(); }
  index column(index position) const { return factor_.order[static_cast<std::size_t>(position)]; }

  /// (cols, rows and padding), in processing order: may be changed before `run`.
  matrix_view<float> weights() { return weights_; }

  /// Scales and zeros of all groups from the weights as they are now.
  void fix_groups() {
    std::vector<std::vector<index>> members(static_cast<std::size_t>(groups_.count));
    for (index k = 0; k < groups_.quantized; ++k) members[static_cast<std::size_t>(group(k))].push_back(k);
    for (index g = 0; g < groups_.count; ++g) choose(g, members[static_cast<std::size_t>(g)], weights_, 0);
  }

  void drop_dead_columns() {
    for (index k = 0; k < cols(); ++k)
      if (factor_.dead[static_cast<std::size_t>(column(k))]) std::fill_n(weights_.row(k).data(), stride_, 0.0f);
  }

  /// Quantizes all columns but the kept ones, `block` at a time. Returns the sum of (w - q)^2 / U_ii^2 / 2.
  double run(index block) {
    double error = 0;
    for (index first = 0; first < groups_.quantized; first += block) {
      index const last = std::min(first + block, groups_.quantized);
      auto const settled = settle(first, groups_.fixed ? last : end_of_runs(first, last));
      if (!groups_.fixed) start_runs(first, last, settled.running);
      error += quantize(first, last, settled);
    }
    return error / 2;
  }

  /// What the kept columns become, (kept columns, rows and padding): they make up for the errors of all others.
  matrix<float> kept_values() const {
    if (groups_.quantized == cols()) return {};
    return settle(groups_.quantized, cols()).running;
  }

  std::uint8_t code(index position, index row) const { return codes_(position, row); }
  float scale(index group, index row) const { return scales_(group, row); }
  float zero(index group, index row) const { return zeros_(group, row); }

 private:
  static constexpr index row_step = simd::gptq_row_step;

  struct settled_block {
    matrix<float> running;  ///< (positions, stride)
    matrix<float> inverse;  ///< (positions, positions): U^T of the block
  };

  index group(index position) const { return groups_.of[static_cast<std::size_t>(position)]; }
  bool starts_run(index k) const { return k == 0 || group(k) != group(k - 1); }

  index end_of_run(index k) const {
    index end = k + 1;
    while (end < groups_.quantized && !starts_run(end)) ++end;
    return end;
  }

  /// The end of the last run that starts in [first, last), at least `last`.
  index end_of_runs(index first, index last) const {
    index k = last - 1;
    while (k >= first && !starts_run(k)) --k;
    return k < first ? last : std::max(last, end_of_run(k));
  }

  void start_runs(index first, index last, matrix<float> const& running) {
    for (index k = first; k < last; ++k) {
      if (!starts_run(k)) continue;
      std::vector<index> members(static_cast<std::size_t>(end_of_run(k) - k));
      std::iota(members.begin(), members.end(), k);
      choose(group(k), members, running, first);
    }
  }

  /// Scale and zero of a group whose positions are `members`; row 0 of `values` is position `first`.
  void choose(index group, std::vector<index> const& members, matrix<float> const& values, index first) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    auto const padded = static_cast<std::size_t>(stride_);
    std::vector<float> low(padded, members.empty() ? 0.0f : infinity), high(padded, members.empty() ? 0.0f : -infinity);
    for (index const k : members) simd::widen_ranges(values.row(k - first).data(), stride_, low.data(), high.data());
    for (index row = 0; row < rows_; ++row) {
      auto const at = static_cast<std::size_t>(row);
      auto const [scale, zero] = scaling_.of({low[at], high[at], true}, row, group);
      scales_(group, row) = scale;
      zeros_(group, row) = zero;
    }
  }

  /// The weights of positions [first, last) that make up best for the errors of all positions before.
  settled_block settle(index first, index last) const {
    using square = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    index const size = last - first;
    settled_block result{matrix<float>(size, stride_), matrix<float>(size, size)};
    Eigen::Map<square const, 0, Eigen::OuterStride<>> const triangle(&factor_.triangle(first, first), size, size,
                                                                     Eigen::OuterStride<>(cols()));
    Eigen::Map<square> inverse(result.inverse.data(), size, size);
    inverse.setIdentity();
    triangle.template triangularView<Eigen::Lower>().solveInPlace(inverse);
    std::copy_n(weights_.row(first).data(), size * stride_, result.running.data());
    if (first > 0) add_product(result.inverse, pack(pushed_.view().rows_from(first, size)), result.running);
    return result;
  }

  double quantize(index first, index last, settled_block const& settled) {
    index const size = last - first;
    matrix<float> errors(size, stride_);
    matrix<float> scratch(size, row_step);
    gptq_block const block{size,
                           stride_,
                           weights_.row(first).data(),
                           settled.running.data(),
                           settled.inverse.data(),
                           settled.inverse.cols(),
                           groups_.of.data() + first,
                           scales_.data(),
                           zeros_.data(),
                           scaling_.highest,
                           codes_.row(first).data(),
                           errors.data()};
    double const error = simd::gptq_quantize_block(block, stride_, scratch.data());
    if (last < cols()) push(first, last, errors);
    return error;
  }

  /// Adds E R of the block's errors to what the positions after it will make up for. A few hundred positions at a time:
  /// more lie on more pages than the processor remembers.
  void push(index first, index last, matrix<float> const& errors) {
    constexpr index most = 256;
    matrix<float> rows(std::min(most, cols() - last), errors.rows() + row_step);
    auto const panels = pack(errors);
    for (index next = last; next < cols(); next += most) {
      matrix_view<float> const left(rows.data(), std::min(most, cols() - next), errors.rows(), rows.cols());
      for (index i = 0; i < left.rows; ++i)
        std::copy_n(factor_.triangle.row(next + i).data() + first, left.cols, left.row(i).data());
      add_product(left, panels, pushed_.view().rows_from(next, left.rows));
    }
  }

  static matrix<float> pack(matrix_view<float const> values) {
    matrix<float> panels(1, simd::packed_size(values.cols, values.rows, simd::best_isa()));
    simd::pack_columns(values, panels.data(), simd::best_isa());
    return panels;
  }

  /// c += a b, b as `pack` leaves it.
  static void add_product(matrix_view<float const> a, matrix<float> const& b, matrix_view<float> c) {
    auto const which = simd::best_isa();
    simd::multiply_panels(a, b.data(), simd::panel_cols(which) * a.cols, c, true, which);
  }

  gptq_factor const& factor_;
  gptq_groups groups_;
  gptq_scaling scaling_;
  index rows_;
  index stride_;
  matrix<float> weights_;
  matrix<float> pushed_;  // (E R)^T of the positions that are not done
  matrix<std::uint8_t> codes_;
  matrix<float> scales_;
  matrix<float> zeros_;
};

}  // namespace amq::detail
