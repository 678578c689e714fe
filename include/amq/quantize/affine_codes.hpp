// What quantizers compute before anything is rounded for storage: codes with f32 scales and zeros.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "amq/core/format_check.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/packed_matrix.hpp"
#include "amq/quantize/detail/group_range.hpp"

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

  /// out(r, c) = (code - zero) * scale in f32, before anything is rounded to f16.
  void dequantize(matrix_view<float> out) const {
    index const size = codes.cols() / scales.cols();
    for (index row = 0; row < codes.rows(); ++row)
      for (index group = 0; group < scales.cols(); ++group)
        for (index col = group * size; col < (group + 1) * size; ++col)
          out(row, col) = (static_cast<float>(codes(row, col)) - zeros(row, group)) * scales(row, group);
  }
};

namespace detail {

/// The range of one group of a row; throws input_error, with the place, where a weight is not finite: no quantizer has
/// an answer for it.
inline group_range finite_range(matrix_view<float const> weights, index row, index first, index size) {
  float const* const values = weights.row(row).data() + first;
  auto const range = simd::range_of(values, size);
  if (range.finite) return range;
  index i = 0;
  while (std::isfinite(values[i])) ++i;
  throw input_error("the weight in row " + std::to_string(row) + ", column " + std::to_string(first + i) + " is " +
                    std::to_string(values[i]) + "; quantizing needs finite weights, so check the checkpoint");
}

inline float highest_code(format f) { return static_cast<float>((1 << f.bits) - 1); }

}  // namespace detail
}  // namespace amq
