// Codes fitted again where a format of files stores integer zeros: HQQ's are real numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/packed_matrix.hpp"

namespace amq {

/// Zeros that a format of files can hold: the integers from `lowest` to `highest`.
struct zero_range {
  int lowest = 0;
  int highest = 0;

  bool holds(float zero) const {
    return zero == std::nearbyint(zero) && zero >= static_cast<float>(lowest) && zero <= static_cast<float>(highest);
  }
};

/// All codes; what most formats hold.
constexpr zero_range code_zeros(int bits) { return {0, (1 << bits) - 1}; }
/// The middle code alone: symmetric.
constexpr zero_range middle_zero(int bits) { return {1 << (bits - 1), 1 << (bits - 1)}; }

/// Whether all zeros of a matrix lie in the range. O(rows * groups).
inline bool zeros_fit(packed_matrix const& stored, zero_range range) {
  auto const zeros = stored.packed_zeros();
  return std::all_of(zeros.begin(), zeros.end(), [&](std::uint16_t zero) { return range.holds(f16_to_f32(zero)); });
}

namespace detail {

/// One group of a row on its way to an integer zero: `wanted` values, and codes (code - zero) * scale that stand for
/// them.
struct refitted_group {
  std::vector<float> wanted;
  std::vector<std::uint8_t> codes;
  float scale = 0;
  float zero = 0;

  /// Nearest codes for this scale; returns the summed squared error.
  double fit(float with_scale, int highest) {
    scale = with_scale;
    codes.resize(wanted.size());
    double error = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      float const exact = scale == 0 ? zero : std::nearbyint(wanted[i] / scale + zero);
      codes[i] = static_cast<std::uint8_t>(std::clamp(exact, 0.0f, static_cast<float>(highest)));
      double const off = double{(static_cast<float>(codes[i]) - zero) * scale} - double{wanted[i]};
      error += off * off;
    }
    return error;
  }

  /// The scale, as f16 holds it, at which codes on both sides of the zero reach the wanted values; 0 where none does.
  float reaching_scale(float sign, int highest) const {
    float above = 0, below = 0;
    for (float const value : wanted) {
      above = std::max(above, sign * value);
      below = std::max(below, -sign * value);
    }
    float const codes_above = static_cast<float>(highest) - zero;
    float needed = codes_above > 0 ? above / codes_above : 0;
    if (zero > 0) needed = std::max(needed, below / zero);
    float const stored = f16_to_f32(f32_to_f16(sign * needed));
    return std::isfinite(stored) ? stored : 0;
  }
};

/// The columns of each group.
inline std::vector<std::vector<index>> group_members(packed_matrix const& stored) {
  std::vector<std::vector<index>> members(static_cast<std::size_t>(stored.groups()));
  auto const groups = stored.column_groups();
  index const size = stored.storage().group_size(stored.cols());
  for (index col = 0; col < stored.cols(); ++col) {
    index const group = groups.empty() ? col / size : groups[static_cast<std::size_t>(col)];
    members[static_cast<std::size_t>(group)].push_back(col);
  }
  return members;
}

/// Fits `group` at the nearest zero of the range. A zero that is only rounded keeps the scale; one that is moved may
/// leave values out of reach, so the scale that reaches them all is tried as well.
inline void fit_group(refitted_group& group, float scale, float zero, zero_range range, int highest) {
  float const rounded = std::nearbyint(zero);
  group.zero = std::clamp(rounded, static_cast<float>(range.lowest), static_cast<float>(range.highest));
  double const error = group.fit(scale, highest);
  if (group.zero == rounded) return;
  float const reaching = group.reaching_scale(scale < 0 ? -1.0f : 1.0f, highest);
  if (reaching != 0 && group.fit(reaching, highest) > error) group.fit(scale, highest);
}

}  // namespace detail

/// `stored` with every zero in the range. Groups whose zero is there already stay as they are, bit for bit. Elsewhere
/// the nearest zero is taken and codes are fitted again: to `weights`, or, where the zero is an integer out of range
/// (so that the codes are a quantizer's that weighed more than the weights, such as GPTQ's), to the values stored. The
/// scale changes only where a zero has to move by more than rounding and that lowers the squared error. `weights`
/// (rows, cols). O(rows * cols). Deterministic.
inline packed_matrix refit_zeros(packed_matrix const& stored, matrix_view<float const> weights, zero_range range) {
  AMQ_EXPECTS(weights.rows == stored.rows() && weights.cols == stored.cols(),
              "refit_zeros needs the weights that the matrix was quantized from, of its own shape");
  int const highest = (1 << stored.storage().bits) - 1;
  auto const members = detail::group_members(stored);
  matrix<std::uint8_t> codes(stored.rows(), stored.cols());
  matrix<float> scales(stored.rows(), stored.groups()), zeros(stored.rows(), stored.groups());
  detail::refitted_group group;
  for (index row = 0; row < stored.rows(); ++row) {
    stored.unpack_row(row, codes.row(row).data());
    for (index g = 0; g < stored.groups(); ++g) {
      float const scale = scales(row, g) = stored.scale(row, g);
      float const zero = zeros(row, g) = stored.zero(row, g);
      if (range.holds(zero)) continue;
      bool const is_integer = zero == std::nearbyint(zero);
      group.wanted.clear();
      for (index const col : members[static_cast<std::size_t>(g)])
        group.wanted.push_back(is_integer ? (static_cast<float>(codes(row, col)) - zero) * scale : weights(row, col));
      detail::fit_group(group, scale, zero, range, highest);
      for (std::size_t i = 0; i < group.codes.size(); ++i)
        codes(row, members[static_cast<std::size_t>(g)][i]) = group.codes[i];
      scales(row, g) = group.scale;
      zeros(row, g) = group.zero;
    }
  }
  packed_matrix refitted(stored.storage(), codes, scales, zeros);
  if (stored.column_groups().empty()) return refitted;
  return std::move(refitted).with_column_groups({stored.column_groups().begin(), stored.column_groups().end()});
}

}  // namespace amq
