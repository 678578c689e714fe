// AWQ's clip search: how far each group's range had best shrink before its weights are rounded.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <Eigen/Core>

#include "amq/quantize/detail/output_error.hpp"
#include "amq/quantize/rtn.hpp"

namespace amq {

/// How far weights are clipped before they are rounded. The published code mirrors the range at 0 (symmetric); AMQ's
/// copy clips each end of the range in proportion.
enum class clipping { none, symmetric, asymmetric };

/// The range that each group of a row is clipped to, (rows, groups) each.
struct clip_ranges {
  matrix<float> low;
  matrix<float> high;
};

namespace detail {

/// The published search for one group of columns: shrink both ends by 0, 5, ... 45 percent; the first that rounds with
/// the smallest error of the group's part of the outputs is kept.
class clip_search {
 public:
  clip_search(matrix_view<float const> weights, format f, row_major_f32 moments)
      : weights_(weights), rounding_{f.bits, format::whole_row}, moments_(std::move(moments)) {}

  template <class Keep>
  void run(std::span<float const> low, std::span<float const> high, Keep const& keep) const {
    constexpr int steps = 10;
    constexpr float shrink_a_step = 0.05f;
    Eigen::VectorXf best = Eigen::VectorXf::Constant(weights_.rows, std::numeric_limits<float>::infinity());
    matrix<float> clipped(weights_.rows, weights_.cols);
    for (int step = 0; step < steps; ++step) {
      float const share = 1 - shrink_a_step * static_cast<float>(step);
      for (index row = 0; row < weights_.rows; ++row)
        clip(weights_.row(row), low[at(row)] * share, high[at(row)] * share, clipped.row(row));
      rtn({.variant = rtn_variant::awq}).encode(clipped, rounding_).dequantize(clipped);
      row_major_f32 const errors = eigen_view(clipped) - eigen_view(weights_);
      Eigen::VectorXf const found = row_errors(errors, moments_);
      for (index row = 0; row < weights_.rows; ++row)
        if (found[row] < best[row]) {
          best[row] = found[row];
          keep(row, low[at(row)] * share, high[at(row)] * share);
        }
    }
  }

  static void clip(std::span<float const> values, float low, float high, std::span<float> out) {
    for (std::size_t i = 0; i < values.size(); ++i) out[i] = std::min(std::max(values[i], low), high);
  }

 private:
  static std::size_t at(index row) { return static_cast<std::size_t>(row); }

  matrix_view<float const> weights_;
  format rounding_;
  row_major_f32 moments_;
};

/// What clipping starts from in each row of a group: its range, or that mirrored at 0.
inline std::pair<std::vector<float>, std::vector<float>> widest_ranges(matrix_view<float const> group, clipping how) {
  std::pair<std::vector<float>, std::vector<float>> ranges;
  for (index row = 0; row < group.rows; ++row) {
    auto range = finite_range(group, row, 0, group.cols);
    if (how == clipping::symmetric) {
      range.high = std::max(range.high, -range.low);
      range.low = -range.high;
    }
    ranges.first.push_back(range.low);
    ranges.second.push_back(range.high);
  }
  return ranges;
}

/// Second moments of inputs [first, first + size) divided by their scales.
inline row_major_f32 group_moments(matrix_view<float const> hessian, std::span<float const> scales, index first,
                                   index size) {
  Eigen::Map<Eigen::VectorXf const> const divisors(scales.data() + first, size);
  Eigen::VectorXf const inverse = divisors.cwiseInverse();
  return inverse.asDiagonal() * eigen_view(hessian).block(first, first, size, size) * inverse.asDiagonal();
}

}  // namespace detail

/// The range that each group of `weights` (rows, cols) had best be clipped to before it is rounded. `hessian` (cols,
/// cols) is proportional to the sum of x x^T over tokens; the weights see inputs divided by `scales` (cols). The
/// published code looks at 512 tokens to save time; second moments hold all of them at no more cost.
/// O(20 rows * cols * group). Throws input_error for a format that does not fit and weights that are not finite.
inline clip_ranges awq_clip(matrix_view<float const> weights, format f, matrix_view<float const> hessian,
                            std::span<float const> scales, clipping how) {
  check_format(f, weights.cols);
  index const size = f.group_size(weights.cols), groups = f.groups(weights.cols);
  clip_ranges ranges{matrix<float>(weights.rows, groups), matrix<float>(weights.rows, groups)};
  for (index group = 0; group < groups; ++group) {
    matrix_view<float const> const part(weights.data + group * size, weights.rows, size, weights.stride);
    auto const [low, high] = detail::widest_ranges(part, how);
    detail::clip_search const search(part, f, detail::group_moments(hessian, scales, group * size, size));
    search.run(low, high, [&](index row, float lowest, float highest) {
      ranges.low(row, group) = lowest;
      ranges.high(row, group) = highest;
    });
  }
  return ranges;
}

/// Clips each group of each row of `weights` in place.
inline void apply_clip(matrix_view<float> weights, clip_ranges const& ranges) {
  index const size = weights.cols / ranges.low.cols();
  for (index row = 0; row < weights.rows; ++row)
    for (index group = 0; group < ranges.low.cols(); ++group) {
      auto const values =
          weights.row(row).subspan(static_cast<std::size_t>(group * size), static_cast<std::size_t>(size));
      detail::clip_search::clip(values, ranges.low(row, group), ranges.high(row, group), values);
    }
}

}  // namespace amq
