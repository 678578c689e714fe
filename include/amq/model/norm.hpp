// RMSNorm over the rows of a matrix, and over the heads within them.
#pragma once

#include <span>

#include "amq/core/matrix.hpp"
#include "amq/core/simd/elementwise.hpp"

namespace amq::detail {

/// Every row of x (rows, hidden) into out (rows, hidden); weight (hidden).
inline void rms_norm_rows(matrix_view<float const> x, std::span<float const> weight, float epsilon,
                          matrix_view<float> out) {
  for (index r = 0; r < x.rows; ++r) simd::rms_norm(x.row(r).data(), weight.data(), epsilon, out.row(r).data(), x.cols);
}

/// Every head of every row of x (rows, heads * head_size) in place, with one weight (head_size) for all heads (Qwen 3).
inline void rms_norm_heads(matrix_view<float> x, std::span<float const> weight, float epsilon) {
  auto const size = static_cast<index>(weight.size());
  for (index r = 0; r < x.rows; ++r)
    for (index head = 0; head < x.cols; head += size) {
      float* const values = x.row(r).data() + head;
      simd::rms_norm(values, weight.data(), epsilon, values, size);
    }
}

}  // namespace amq::detail
