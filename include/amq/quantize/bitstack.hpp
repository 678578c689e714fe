// BitStack (arXiv 2410.23918): a matrix as a stack of residuals, each its signs and a low-rank product of magnitudes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <Eigen/Core>

#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/core/error.hpp"
#include "amq/core/half.hpp"
#include "amq/core/residual_stack.hpp"
#include "amq/quantize/detail/leading_triplets.hpp"

namespace amq {

struct bitstack_options {
  bool scale = true;  ///< false: channels count alike, and no statistics are needed
};

/// Importance of each input, (cols): `channel_norms` (mean over sequences of the L2 norm over tokens) plus 1e-3
/// (section 2.2, as released).
inline std::vector<float> bitstack_channel_scales(std::span<float const> channel_norms) {
  constexpr float least = 1e-3f;
  std::vector<float> scales(channel_norms.begin(), channel_norms.end());
  for (float& scale : scales) scale += least;
  return scales;
}

namespace detail {

/// One iteration of the absolute value decomposition (section 2.1): sign(R) times the best rank-k product for |R|.
struct absolute_value_level {
  Eigen::MatrixXf left;   ///< U sqrt(S), (rows, k)
  Eigen::MatrixXf right;  ///< sqrt(S) V^T, (k, cols)

  absolute_value_level(Eigen::MatrixXf const& residual, index k) {
    auto const found = leading_triplets(residual.cwiseAbs(), k);
    Eigen::VectorXf const roots = found.values.cwiseSqrt();
    left = found.left * roots.asDiagonal();
    right = roots.asDiagonal() * found.right.transpose();
  }
};

inline std::vector<std::uint8_t> packed_signs(Eigen::MatrixXf const& residual) {
  std::vector<std::uint8_t> signs(static_cast<std::size_t>((residual.size() + 7) / 8));
  for (index row = 0, bit = 0; row < residual.rows(); ++row)
    for (index col = 0; col < residual.cols(); ++col, ++bit)
      if (!(residual(row, col) < 0))
        signs[static_cast<std::size_t>(bit / 8)] |= static_cast<std::uint8_t>(0x80 >> bit % 8);
  return signs;
}

inline matrix<std::uint16_t> stored_factor(Eigen::MatrixXf const& factor) {
  matrix<std::uint16_t> stored(factor.rows(), factor.cols());
  for (index row = 0; row < factor.rows(); ++row)
    for (index col = 0; col < factor.cols(); ++col) {
      stored(row, col) = f32_to_f16(factor(row, col));
      if (!std::isfinite(f16_to_f32(stored(row, col))))
        throw input_error("the factor " + std::to_string(factor(row, col)) +
                          " of a residual level cannot be stored "
                          "as a 16-bit float; the layer's weights or inputs are too large for bitstack");
    }
  return stored;
}

}  // namespace detail

/// Models matrix_quantizer for stacks: `format.bits` levels, each fitted to what those before it leave of the matrix
/// times its channels' importance. Fewer levels are a prefix of more. The importance is divided out of the right
/// factors, which costs nothing and changes nothing but how they round to f16; so no scale is stored, and layers need
/// not be folded into their neighbours as the released code does.
class bitstack {
 public:
  using policy_category = quantizer_category;
  static constexpr bool uses_statistics = true;

  explicit bitstack(bitstack_options options = {}) : options_(options) {}

  /// Throws input_error for a format that is not a stack, a rank above the matrix's, weights that are not finite and
  /// factors beyond f16; precondition_error without the channels' norms. Each level costs tens of products of the
  /// matrix with rank + 8 vectors. Memory: three f32 copies of the matrix.
  residual_stack quantize(matrix_view<float const> weights, format f, layer_statistics const& statistics) const {
    index const k = check(weights, f);
    auto const scales = channel_scales(weights.cols, statistics);
    Eigen::Map<Eigen::RowVectorXf const> const channels(scales.data(), weights.cols);
    Eigen::MatrixXf residual = values(weights) * channels.asDiagonal();
    std::vector<stack_level> levels;
    for (int level = 0; level < f.bits; ++level) {
      detail::absolute_value_level const found(residual, k);
      levels.push_back({detail::packed_signs(residual), detail::stored_factor(found.left),
                        detail::stored_factor(found.right * channels.cwiseInverse().asDiagonal())});
      residual -= residual.unaryExpr([](float value) { return value < 0 ? -1.0f : 1.0f; })
                      .cwiseProduct(found.left * found.right);
    }
    return {weights.rows, weights.cols, std::move(levels)};
  }

  std::string name() const { return options_.scale ? "bitstack" : "bitstack(scale=false)"; }

 private:
  /// The rank of a level.
  static index check(matrix_view<float const> weights, format f) {
    if (!f.stacked())
      throw input_error("bitstack makes stacks of levels, such as stack4, not " + spelling(f) +
                        "; choose a quantizer that knows that format");
    index const k = f.level_rank(weights.rows, weights.cols);
    if (k > std::min(weights.rows, weights.cols))
      throw input_error("a level of rank " + std::to_string(k) + " is more than a matrix of (" +
                        std::to_string(weights.rows) + ", " + std::to_string(weights.cols) +
                        ") has; choose a smaller rank, or 0 to follow the matrix");
    return k;
  }

  static Eigen::MatrixXf values(matrix_view<float const> weights) {
    Eigen::MatrixXf copy(weights.rows, weights.cols);
    for (index row = 0; row < weights.rows; ++row)
      for (index col = 0; col < weights.cols; ++col) copy(row, col) = weights(row, col);
    if (!copy.allFinite())
      throw input_error("a weight is NaN or infinite; quantizing needs finite weights, so check the checkpoint");
    return copy;
  }

  std::vector<float> channel_scales(index cols, layer_statistics const& statistics) const {
    if (!options_.scale) return std::vector(static_cast<std::size_t>(cols), 1.0f);
    AMQ_EXPECTS(std::ssize(statistics.channel_norms) == cols,
                "bitstack needs the channel norms of the layer's " + std::to_string(cols) + " inputs");
    return bitstack_channel_scales(statistics.channel_norms);
  }

  bitstack_options options_;
};
static_assert(matrix_quantizer<bitstack>);

/// The first `levels` levels of a stack. Throws precondition_error when it has fewer.
inline residual_stack prefix(residual_stack const& stack, int levels) {
  AMQ_EXPECTS(
      levels >= 0 && levels <= std::ssize(stack.levels()),
      "a stack of " + std::to_string(stack.levels().size()) + " levels has no prefix of " + std::to_string(levels));
  std::vector<stack_level> first;
  for (int i = 0; i < levels; ++i) {
    auto const& level = stack.levels()[static_cast<std::size_t>(i)];
    first.push_back({level.signs, level.left.clone(), level.right.clone()});
  }
  return {stack.rows(), stack.cols(), std::move(first), stack.channel_scale()};
}

}  // namespace amq
