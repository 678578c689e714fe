// What quantizers compute before anything is rounded for storage: codes with f32 scales and zeros.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "amq/core/format_check.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/packed_matrix.hpp"

namespace amq {

/// A matrix whose element is (code - zero) * scale: codes (rows, cols), scales and zeros (rows, groups) in f32.
struct affine_codes {
  matrix<std::uint8_t> codes;
  matrix<float> scales;
  matrix<float> zeros;

  affine_codes(format f, index rows, index cols)
      : codes(rows, cols), scales(rows, f.groups(cols)), zeros(rows, f.groups(cols)) {}

  /// Stores the codes densely, scale and zero as f16: the codes stay what they were chosen to be in f32. Throws
  /// input_error where f16 cannot hold a scale or zero.
  packed_matrix pack(format f) const { return {f, codes, scales, zeros}; }
};

namespace detail {

/// Throws input_error, with the place, where a weight is not finite: no quantizer has an answer for it.
inline void check_finite(matrix_view<float const> weights) {
  for (index row = 0; row < weights.rows; ++row) {
    float const* const values = weights.row(row).data();
    float poison = 0;  // stays 0 unless a value is NaN or infinite
    for (index col = 0; col < weights.cols; ++col) poison += values[col] * 0.0f;
    if (poison == 0) continue;
    index col = 0;
    while (std::isfinite(values[col])) ++col;
    throw input_error("the weight in row " + std::to_string(row) + ", column " + std::to_string(col) + " is " +
                      std::to_string(values[col]) + "; quantizing needs finite weights, so check the checkpoint");
  }
}

/// value clamped to [0, highest] and made a code; `value` is a whole number, and NaN gives 0.
inline std::uint8_t to_code(float value, float highest) {
  float const raised = value > 0 ? value : 0;
  return static_cast<std::uint8_t>(raised < highest ? raised : highest);
}

struct value_range {
  float low;
  float high;
};

/// Smallest and largest of `count` >= 1 values.
inline value_range range_of(float const* values, index count) {
  value_range range{values[0], values[0]};
  for (index i = 1; i < count; ++i) {
    range.low = values[i] < range.low ? values[i] : range.low;
    range.high = values[i] > range.high ? values[i] : range.high;
  }
  return range;
}

}  // namespace detail
}  // namespace amq
