// Rows of activations as a product's kernels want them: rounded once, then used for every matrix with the same input.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "amq/core/error.hpp"
#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/precision.hpp"
#include "amq/core/tile_layout.hpp"
#include "amq/kernel/cpu_path.hpp"

namespace amq {

namespace detail {

/// bf16: half to even. int8: to 127 steps of a group's largest magnitude. A NaN or an infinity makes its value, or its
/// group of int8, not a number or infinite.
inline void round_group(precision to, float const* x, float* out, index n) {
  if (to == precision::f32) std::copy_n(x, n, out);
  if (to == precision::bf16)
    for (index i = 0; i < n; ++i) out[i] = bf16_to_f32(f32_to_bf16(x[i]));
  if (to != precision::int8) return;
  float largest = 0, finite = 0;
  for (index i = 0; i < n; ++i) {
    largest = std::max(largest, std::fabs(x[i]));
    finite += 0 * x[i];
  }
  float const scale = largest / 127;
  if (scale == 0 || finite != 0) return void(std::copy_n(x, n, out));
  for (index i = 0; i < n; ++i) out[i] = std::nearbyint(std::clamp(x[i] / scale, -127.0f, 127.0f)) * scale;
}

}  // namespace detail

/// Activations (tokens, cols) of one precision, in groups of a matrix's. Buffers are kept between calls of `prepare`.
class activations {
 public:
  /// Rounds x's rows. O(tokens * cols). Throws precondition_error unless groups divide the columns.
  void prepare(matrix_view<float const> x, amq::precision to, int group, cpu_path path) {
    AMQ_EXPECTS(group > 0 && x.cols % group == 0,
                "groups of " + std::to_string(group) + " do not divide " + std::to_string(x.cols) + " activations");
    precision_ = to;
    group_ = group;
    path_ = path;
    tokens_ = x.rows;
    cols_ = x.cols;
    if (values_.size() < tokens_ * cols_) values_ = matrix<float>(1, tokens_ * cols_);
    for (index token = 0; token < tokens_; ++token)
      for (index k = 0; k < cols_; k += group)
        detail::round_group(to, x.data + token * x.stride + k, values_.data() + token * cols_ + k, group);
  }

  amq::precision precision() const { return precision_; }
  int group() const { return group_; }
  cpu_path path() const { return path_; }
  index tokens() const { return tokens_; }
  index cols() const { return cols_; }

  /// What is multiplied with weights, (tokens, cols).
  matrix_view<float const> values() const { return {values_.data(), tokens_, cols_}; }

 private:
  amq::precision precision_ = amq::precision::f32;
  int group_ = 0;
  cpu_path path_ = cpu_path::portable;
  index tokens_ = 0;
  index cols_ = 0;
  matrix<float> values_;
};

}  // namespace amq
