// Activation-aware quantization (AWQ, arXiv 2306.00978): what depends on one matrix and the inputs it sees.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/core/error.hpp"
#include "amq/quantize/awq_clip.hpp"
#include "amq/quantize/detail/output_error.hpp"
#include "amq/quantize/rtn.hpp"

namespace amq {

/// Ratios that are tried: 0, 1/20, ... 19/20.
inline constexpr int awq_ratios = 20;
constexpr double awq_ratio(int i) { return static_cast<double>(i) / awq_ratios; }

/// Scales of a layer's inputs, (cols): max(mean_absolute^ratio, 1e-4), divided by the square root of the largest times
/// the smallest (section 3.2, equation 5; ratio is the paper's alpha). Ratio 0 gives ones.
inline std::vector<float> awq_scales(std::span<float const> mean_absolute, double ratio) {
  constexpr float least = 1e-4f;
  std::vector<float> scales;
  for (float const a : mean_absolute) scales.push_back(std::max(std::pow(a, static_cast<float>(ratio)), least));
  auto const [low, high] = std::minmax_element(scales.begin(), scales.end());
  float const middle = std::sqrt(*low * *high);
  for (float& scale : scales) scale /= middle;
  return scales;
}

/// W diag(scales), (rows, cols).
inline matrix<float> scaled_columns(matrix_view<float const> weights, std::span<float const> scales) {
  matrix<float> scaled(weights.rows, weights.cols);
  for (index row = 0; row < weights.rows; ++row)
    for (index col = 0; col < weights.cols; ++col)
      scaled(row, col) = weights(row, col) * scales[static_cast<std::size_t>(col)];
  return scaled;
}

/// Q(W diag(scales)) diag(1 / scales), Q rounding to nearest as AWQ does, f32 scales and zeros; W itself for a format
/// that keeps it. O(rows * cols). Throws input_error as `rtn::encode`.
inline matrix<float> awq_rounded(matrix_view<float const> weights, std::span<float const> scales, format f) {
  auto rounded = scaled_columns(weights, scales);
  if (!f.kept()) rtn({.variant = rtn_variant::awq}).encode(rounded, f).dequantize(rounded);
  for (index row = 0; row < rounded.rows(); ++row)
    for (index col = 0; col < rounded.cols(); ++col) rounded(row, col) /= scales[static_cast<std::size_t>(col)];
  return rounded;
}

/// Sum over rows d of (candidate - weights) of d H d^T: with H the sum of x x^T over tokens, the squared error of the
/// layer's outputs. O(rows * cols^2); a fraction of what multiplying more tokens than inputs costs.
inline double output_error(matrix_view<float const> weights, matrix_view<float const> candidate,
                           matrix_view<float const> hessian) {
  constexpr index rows_at_once = 64;
  detail::row_major_f32 const moments = detail::eigen_view(hessian);
  double total = 0;
  for (index row = 0; row < weights.rows; row += rows_at_once) {
    index const rows = std::min(rows_at_once, weights.rows - row);
    detail::row_major_f32 const errors =
        detail::eigen_view(candidate.rows_from(row, rows)) - detail::eigen_view(weights.rows_from(row, rows));
    total += detail::row_errors(errors, moments).cast<double>().sum();
  }
  return total;
}

/// Whether AWQ can quantize to `f`: throws input_error unless it is affine without kept columns, or keeps the matrix.
inline void check_awq_format(format f) {
  if (f.stacked() || f.kept_columns > 0)
    throw input_error("awq quantizes to plain affine formats such as 4g128, not to " + spelling(f) +
                      "; choose a quantizer that knows that format");
}

/// `scaled` = W diag(scales), clipped, rounded and stored.
inline packed_matrix awq_stored(matrix<float> scaled, format f, matrix_view<float const> hessian,
                                std::span<float const> scales, clipping how) {
  if (how != clipping::none) apply_clip(scaled, awq_clip(scaled, f, hessian, scales, how));
  return rtn({.variant = rtn_variant::awq}).quantize(scaled, f);
}

/// The ratio whose scales round one matrix with the least error of its outputs, the first of equals. O(20 rows cols^2).
inline double best_awq_ratio(matrix_view<float const> weights, format f, layer_statistics const& statistics) {
  double best_ratio = 0, least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < awq_ratios; ++i) {
    auto const rounded = awq_rounded(weights, awq_scales(statistics.mean_absolute, awq_ratio(i)), f);
    double const error = output_error(weights, rounded, statistics.hessian);
    if (!(error < least)) continue;
    least = error;
    best_ratio = awq_ratio(i);
  }
  return best_ratio;
}

struct awq_scaled_options {
  format middle{3, 128};  ///< the choice at which scales are found
  clipping clip = clipping::asymmetric;
};

/// AWQ of one matrix on its own, so that it may be a search proxy: its inputs' scales are the same whatever the format
/// wanted, so a configuration's layers fit each other. They are `statistics.input_scales` where given (searched jointly
/// for a fold group, `middle_awq_scales`), else the best for this matrix alone at the middle choice. Models
/// matrix_quantizer.
class awq_scaled {
 public:
  using policy_category = quantizer_category;
  static constexpr bool uses_statistics = true;

  explicit awq_scaled(awq_scaled_options options = {}) : options_(options) {}

  /// Codes of W diag(s) and s beside them. Throws input_error for a format that AWQ cannot quantize to and
  /// precondition_error for statistics without second moments and magnitudes of the inputs.
  quantized_matrix quantize(matrix_view<float const> weights, format f, layer_statistics const& statistics) const {
    check_awq_format(f);
    AMQ_EXPECTS(
        statistics.hessian.cols == weights.cols && std::ssize(statistics.mean_absolute) == weights.cols,
        "awq_scaled needs the hessian and mean_absolute of the layer's " + std::to_string(weights.cols) + " inputs");
    auto const scales = input_scales(weights, statistics);
    return {awq_stored(scaled_columns(weights, scales), f, statistics.hessian, scales, options_.clip), scales};
  }

  std::string name() const {
    std::string changed;
    if (!(options_.middle == awq_scaled_options{}.middle)) changed += ",middle=" + spelling(options_.middle);
    if (options_.clip == clipping::symmetric) changed += ",clip=symmetric";
    if (options_.clip == clipping::none) changed += ",clip=none";
    return changed.empty() ? "awq_scaled" : "awq_scaled(" + changed.substr(1) + ")";
  }

 private:
  std::vector<float> input_scales(matrix_view<float const> weights, layer_statistics const& statistics) const {
    auto const given = statistics.input_scales;
    if (!given.empty()) return {given.begin(), given.end()};
    return awq_scales(statistics.mean_absolute, best_awq_ratio(weights, options_.middle, statistics));
  }

  awq_scaled_options options_;
};
static_assert(matrix_quantizer<awq_scaled>);

}  // namespace amq
