// From GPTQ's transposed working matrices to codes that can be packed.
#pragma once

#include <algorithm>

#include "amq/quantize/affine_codes.hpp"
#include "amq/quantize/detail/gptq_recursion.hpp"

namespace amq::detail {

/// Codes to their columns; scales and zeros as they are.
inline affine_codes gather(gptq_recursion const& recursion, format f, index rows, index quantized) {
  constexpr index step = 64;  // codes in a line of the cache
  affine_codes result(f, rows, recursion.cols());
  for (index first = 0; first < rows; first += step)
    for (index k = 0; k < quantized; ++k)
      for (index row = first; row < std::min(first + step, rows); ++row)
        result.codes(row, recursion.column(k)) = recursion.code(k, row);
  for (index row = 0; row < rows; ++row)
    for (index group = 0; group < result.scales.cols(); ++group) {
      result.scales(row, group) = recursion.scale(group, row);
      result.zeros(row, group) = recursion.zero(group, row);
    }
  return result;
}

inline void check_finite_rows(matrix_view<float const> weights) {
  for (index row = 0; row < weights.rows; ++row) finite_range(weights, row, 0, weights.cols);
}

}  // namespace amq::detail
