// RMSNorm (arXiv 1910.07467) over rows.
#pragma once

#include <cmath>
#include <span>

#include "amq/core/matrix.hpp"

namespace amq::detail {

/// out = x / sqrt(mean(x^2) + epsilon) * weight, for `size` numbers; out may be x.
inline void rms_norm(float const* x, float const* weight, float* out, index size, float epsilon) {
  double squares = 0;
  for (index i = 0; i < size; ++i) squares += double{x[i]} * double{x[i]};
  auto const scale = static_cast<float>(1 / std::sqrt(squares / static_cast<double>(size) + double{epsilon}));
  for (index i = 0; i < size; ++i) out[i] = x[i] * scale * weight[i];
}

/// Every row of x (rows, hidden) into out (rows, hidden).
inline void rms_norm_rows(matrix_view<float const> x, std::span<float const> weight, float epsilon,
                          matrix_view<float> out) {
  for (index r = 0; r < x.rows; ++r) rms_norm(x.row(r).data(), weight.data(), out.row(r).data(), x.cols, epsilon);
}

/// Every head of every row of x (rows, heads * head_size) in place, with one weight for all heads (Qwen 3).
inline void rms_norm_heads(matrix_view<float> x, std::span<float const> weight, float epsilon) {
  auto const size = static_cast<index>(weight.size());
  for (index r = 0; r < x.rows; ++r)
    for (index head = 0; head < x.cols; head += size) {
      float* const values = x.row(r).data() + head;
      rms_norm(values, weight.data(), values, size, epsilon);
    }
}

}  // namespace amq::detail
