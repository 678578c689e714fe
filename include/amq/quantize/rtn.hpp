// Round to nearest: each group is scaled to its own range and every weight takes the closest code.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/quantize/affine_codes.hpp"
#include "amq/quantize/detail/group_codes.hpp"

namespace amq {

/// Whose scale and zero: implementations differ where a group does not straddle 0.
enum class rtn_variant {
  asymmetric,  ///< GPTQ's (arXiv 2210.17323, `Quantizer`): the range is widened to hold 0, zeros are whole codes
  symmetric,   ///< GPTQ's with sym=True: the range is mirrored at 0, the zero is the middle code
  awq  ///< AWQ's (arXiv 2306.00978, `pseudo_quantize_tensor`): 0 is not forced into the range, the zero is clamped
};

struct rtn_options {
  rtn_variant variant = rtn_variant::asymmetric;
};

namespace detail {

struct group_parameters {
  float scale;
  float zero;
};

inline group_parameters gptq_parameters(group_range range, float highest, bool symmetric) {
  float low = std::min(range.low, 0.0f);
  float high = std::max(range.high, 0.0f);
  if (symmetric) {
    high = std::max(-low, high);
    if (low < 0) low = -high;
  }
  if (low == 0 && high == 0) {
    low = -1;
    high = 1;
  }
  float const scale = (high - low) / highest;
  return {scale, symmetric ? (highest + 1) / 2 : std::nearbyint(-low / scale)};
}

inline group_parameters awq_parameters(group_range range, float highest) {
  constexpr float narrowest = 1e-5f;
  float const scale = std::max(range.high - range.low, narrowest) / highest;
  return {scale, std::clamp(-std::nearbyint(range.low / scale), 0.0f, highest)};
}

}  // namespace detail

/// Models matrix_quantizer. Needs no data, ignores statistics. O(rows * cols).
class rtn {
 public:
  using policy_category = quantizer_category;

  explicit rtn(rtn_options options = {}) : options_(options) {}

  /// Codes, scales and zeros in f32, of `weights` (rows, cols); rounds half to even. Throws input_error when the group
  /// does not divide cols, bits are not 2..8, or a weight is not finite.
  affine_codes encode(matrix_view<float const> weights, format f) const {
    check_format(f, weights.cols);
    affine_codes result(f, weights.rows, weights.cols);
    for (index row = 0; row < weights.rows; ++row)
      for (index group = 0; group < result.scales.cols(); ++group) encode_group(weights, f, row, group, result);
    return result;
  }

  /// `encode`, stored: scale and zero become f16. Throws input_error as `encode` does and where f16 cannot hold them.
  packed_matrix quantize(matrix_view<float const> weights, format f, layer_statistics const& = {}) const {
    return encode(weights, f).pack(f);
  }

  rtn_options const& options() const { return options_; }

  std::string name() const {
    switch (options_.variant) {
      case rtn_variant::asymmetric:
        return "rtn";
      case rtn_variant::symmetric:
        return "rtn_symmetric";
      case rtn_variant::awq:
        return "rtn_awq";
    }
    return "rtn";
  }

 private:
  void encode_group(matrix_view<float const> weights, format f, index row, index group, affine_codes& out) const {
    index const size = f.group_size(weights.cols);
    index const first = group * size;
    float const highest = detail::highest_code(f);
    auto const [scale, zero] = parameters(detail::finite_range(weights, row, first, size), highest);
    out.scales(row, group) = scale;
    out.zeros(row, group) = zero;
    simd::codes_by_division(&weights(row, first), size, scale, zero, highest, &out.codes(row, first));
  }

  detail::group_parameters parameters(detail::group_range range, float highest) const {
    if (options_.variant == rtn_variant::awq) return detail::awq_parameters(range, highest);
    return detail::gptq_parameters(range, highest, options_.variant == rtn_variant::symmetric);
  }

  rtn_options options_;
};

}  // namespace amq
