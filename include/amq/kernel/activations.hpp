// Rows of activations as a product's kernels want them: rounded once, then used for every matrix with the same input.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "amq/core/error.hpp"
#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/precision.hpp"
#include "amq/core/tile_layout.hpp"
#include "amq/kernel/cpu_path.hpp"
#include "amq/kernel/paths/avx512_dot.hpp"

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
  /// Rounds x's rows, which must stay as they are while they are multiplied: f32 may be used where it is. O(tokens *
  /// cols). Throws precondition_error unless groups divide the columns.
  void prepare(matrix_view<float const> x, amq::precision to, int group, cpu_path path) {
    AMQ_EXPECTS(group > 0 && x.cols % group == 0,
                "groups of " + std::to_string(group) + " do not divide " + std::to_string(x.cols) + " activations");
    precision_ = to;
    group_ = group;
    path_ = path;
    tokens_ = x.rows;
    cols_ = x.cols;
    if (dots())
      prepare_dots(x);
    else
      prepare_values(x);
  }

  amq::precision precision() const { return precision_; }
  int group() const { return group_; }
  cpu_path path() const { return path_; }
  index tokens() const { return tokens_; }
  index cols() const { return cols_; }

  /// Whether products are dot products of bf16 or int8, with `rows()`; else they are with `values()`.
  bool dots() const {
    return (path_ == cpu_path::avx512_dot || path_ == cpu_path::amx) && precision_ != amq::precision::f32;
  }

  /// Whether the tokens are so few that each is multiplied alone, as one token is.
  bool apart() const { return tokens_ <= (dots() ? few_tokens : 2); }

  /// Tokens that lie together for dot products: as many as stay in the second-level cache.
  index block_tokens() const { return apart() ? 1 : 256; }
  index blocks() const { return (tokens_ + block_tokens() - 1) / block_tokens(); }

  /// Tokens [block_tokens() * block, ...) for dot products, if `dots()`.
  paths::dot_rows rows(index block = 0) const {
    index const first = block * block_tokens(), at = first * (cols_ / group_);
    return {laid_out_.data() + first * cols_ * value_bytes(), scales_.data() + at, sums_.data() + at,
            std::min(block_tokens(), tokens_ - first)};
  }

  /// What is multiplied with weights, (tokens, cols).
  matrix_view<float const> values() const { return shown_; }

 private:
  /// Rows this far apart fall onto the same few lines of the first cache level when it is a power of two.
  static constexpr index aliasing_stride = 1024;
  index stride() const { return cols_ + 16; }

  index value_bytes() const { return precision_ == amq::precision::int8 ? 1 : 2; }

  template <class T>
  static void reserve(matrix<T>& buffer, index size) {
    if (buffer.size() < size) buffer = matrix<T>(1, size);
  }

  void prepare_values(matrix_view<float const> x) {
    // Rows that need neither rounding nor another distance are multiplied where they are.
    if (precision_ == amq::precision::f32 && x.stride < aliasing_stride) return void(shown_ = x);
    reserve(values_, tokens_ * stride());
    shown_ = {values_.data(), tokens_, cols_, stride()};
    for (index token = 0; token < tokens_; ++token)
      for (index k = 0; k < cols_; k += group_)
        detail::round_group(precision_, x.data + token * x.stride + k, values_.data() + token * stride() + k, group_);
  }

#if defined(__x86_64__)
  void prepare_dots(matrix_view<float const> x) {
    index const size = group_ * value_bytes(), groups = cols_ / group_;
    reserve(laid_out_, groups * tokens_ * size);
    reserve(scales_, groups * tokens_);
    reserve(sums_, groups * tokens_);
    for (index token = 0; token < tokens_; ++token) {
      index const first = token - token % block_tokens(), count = std::min(block_tokens(), tokens_ - first);
      for (index g = 0; g < groups; ++g) {
        float const* const from = x.data + token * x.stride + g * group_;
        index const at = first * groups + g * count + token - first;
        std::uint8_t* const to = laid_out_.data() + at * size;
        float& scale = scales_.data()[at];
        sums_.data()[at] = precision_ == amq::precision::int8 ? paths::detail::prepare_int8(from, group_, to, scale)
                           : apart()                          ? paths::detail::prepare_wide(from, group_, to, scale)
                                                              : paths::detail::prepare_bf16(from, group_, to);
      }
    }
  }
#else
  void prepare_dots(matrix_view<float const> x) { prepare_values(x); }  // no processor but x86 has the path
#endif

  amq::precision precision_ = amq::precision::f32;
  int group_ = 0;
  cpu_path path_ = cpu_path::portable;
  index tokens_ = 0;
  index cols_ = 0;
  matrix<float> values_;
  matrix_view<float const> shown_;  ///< what values() are: x itself, or values_
  matrix<std::uint8_t> laid_out_;
  matrix<float> scales_;
  matrix<float> sums_;
};

}  // namespace amq
