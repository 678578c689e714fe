// Half-quadratic quantization (Badri and Shaji, 2023): zeros that minimise a sparse norm of the weights' errors.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/quantize/affine_codes.hpp"
#include "amq/quantize/detail/group_codes.hpp"
#include "amq/quantize/detail/hqq_iterations.hpp"

namespace amq {

/// When the zero that the solver starts from is rounded to a whole code.
enum class zero_rounding {
  at_4_bits,  ///< as AMQ and hqq's own default configuration do
  never,
  always
};

struct hqq_options {
  double lp_norm = 0.7;  ///< p of the norm, in (0, 1]
  double beta = 10;      ///< weight of the quadratic coupling, above 0; stays the same over the iterations
  int iterations = 20;   ///< at most, at least 1
  zero_rounding round_zero = zero_rounding::at_4_bits;
  bool optimize = true;  ///< false: the starting zeros are kept
};

namespace detail {

/// Every zero that every group passed through: which iteration counts is only known after the last group.
class hqq_history {
 public:
  hqq_history(index groups, int iterations)
      : zeros_(groups, iterations), distances_(static_cast<std::size_t>(iterations)) {}

  /// Runs all iterations of one group from `zero`.
  void solve(index at, hqq_group const& group, float zero, lp_shrink const& shrink) {
    simd::hqq_iterate(group, shrink, zero, zeros_.cols(), zeros_.row(at).data(), distances_.data());
  }

  /// The iteration at which the solver stops: the first whose error over the whole matrix is not below the best so far.
  index stop() const {
    double best = std::numeric_limits<double>::infinity();
    index i = 0;
    for (double const distance : distances_) {
      if (!(distance < best)) return i;
      best = distance;
      ++i;
    }
    return i - 1;
  }

  float zero(index at, index iteration) const { return zeros_(at, iteration); }

 private:
  matrix<float> zeros_;  // (groups, iterations)
  std::vector<double> distances_;
};

}  // namespace detail

/// Models matrix_quantizer. Needs no data, ignores statistics. Same results as the hqq package's default solver
/// (`Quantizer.quantize`, axis 1, f32): scales span each group's range and never change; up to `iterations` times the
/// zero of a group becomes mean(code - (weight - e) * steps), e being the error shrunk by the l_p norm's proximal
/// operator; the zeros kept are those of the first iteration that did not lower the error of the whole matrix.
class hqq {
 public:
  using policy_category = quantizer_category;

  explicit hqq(hqq_options options = {}) : options_(options) {
    AMQ_EXPECTS(options.lp_norm > 0 && options.lp_norm <= 1,
                "hqq needs lp_norm above 0 and at most 1, not " + std::to_string(options.lp_norm));
    AMQ_EXPECTS(options.beta > 0, "hqq needs beta above 0, not " + std::to_string(options.beta));
    AMQ_EXPECTS(options.iterations >= 1, "hqq needs at least one iteration, not " + std::to_string(options.iterations));
  }

  /// Codes, scales and zeros in f32, of `weights` (rows, cols). O(rows * cols * iterations) in one pass over memory,
  /// besides 4 * iterations bytes a group. Throws input_error when the group does not divide cols, bits are not 2..8,
  /// or a weight is not finite.
  affine_codes encode(matrix_view<float const> weights, format f) const {
    check_format(f, weights.cols);
    affine_codes result(f, weights.rows, weights.cols);
    start(weights, f, result);
    if (options_.optimize) optimize(weights, f, result);
    finish(weights, f, result);
    return result;
  }

  /// `encode`, stored: scale and zero become f16. Throws input_error as `encode` does and where f16 cannot hold them.
  packed_matrix quantize(matrix_view<float const> weights, format f, layer_statistics const& = {}) const {
    return encode(weights, f).pack(f);
  }

  hqq_options const& options() const { return options_; }

  /// Whether the solver starts from whole zeros at this width.
  bool rounds_zero(int bits) const {
    return options_.round_zero == zero_rounding::always ||
           (options_.round_zero == zero_rounding::at_4_bits && bits == 4);
  }

  std::string name() const {
    hqq_options const usual;
    std::ostringstream text;
    if (options_.lp_norm != usual.lp_norm) text << ",lp_norm=" << options_.lp_norm;
    if (options_.beta != usual.beta) text << ",beta=" << options_.beta;
    if (options_.iterations != usual.iterations) text << ",iterations=" << options_.iterations;
    if (options_.round_zero == zero_rounding::never) text << ",round_zero=never";
    if (options_.round_zero == zero_rounding::always) text << ",round_zero=always";
    if (!options_.optimize) text << ",optimize=false";
    std::string const changed = text.str();
    return changed.empty() ? "hqq" : "hqq(" + changed.substr(1) + ")";
  }

 private:
  /// Until `finish`, result.scales holds the inverse of the scale, as the solver works with it.
  void start(matrix_view<float const> weights, format f, affine_codes& result) const {
    constexpr float narrowest = 1e-4f;
    constexpr float most_steps = 2e4f;
    index const size = f.group_size(weights.cols);
    for (index row = 0; row < weights.rows; ++row)
      for (index group = 0; group < result.scales.cols(); ++group) {
        auto const range = detail::finite_range(weights, row, group * size, size);
        float const width = range.high - range.low;
        float const steps = width <= narrowest ? 1.0f : std::min(detail::highest_code(f) / width, most_steps);
        float const zero = -range.low * steps;
        result.scales(row, group) = steps;
        result.zeros(row, group) = rounds_zero(f.bits) ? std::nearbyint(zero) : zero;
      }
  }

  void optimize(matrix_view<float const> weights, format f, affine_codes& result) const {
    detail::lp_shrink const shrink(options_.lp_norm, options_.beta);
    detail::hqq_history history(result.zeros.size(), options_.iterations);
    index const size = f.group_size(weights.cols);
    index const groups = result.zeros.cols();
    for (index at = 0; at < result.zeros.size(); ++at) {
      float const* const values = weights.row(at / groups).data() + at % groups * size;
      float const steps = result.scales.data()[at];
      history.solve(at, {values, size, steps, 1 / steps, detail::highest_code(f)}, result.zeros.data()[at], shrink);
    }
    index const stop = history.stop();
    for (index at = 0; at < result.zeros.size(); ++at) result.zeros.data()[at] = history.zero(at, stop);
  }

  void finish(matrix_view<float const> weights, format f, affine_codes& result) const {
    index const size = f.group_size(weights.cols);
    for (index row = 0; row < weights.rows; ++row)
      for (index group = 0; group < result.scales.cols(); ++group) {
        float const steps = result.scales(row, group);
        simd::codes_by_product(&weights(row, group * size), size, steps, result.zeros(row, group),
                               detail::highest_code(f), &result.codes(row, group * size));
        result.scales(row, group) = 1 / steps;
      }
  }

  hqq_options options_;
};

}  // namespace amq
