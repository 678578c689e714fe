// GGUF's block types as a quantizer: a search measures exactly what llama.cpp will read from the file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/core/error.hpp"
#include "amq/core/gguf_type.hpp"
#include "amq/quantize/gguf_row.hpp"

namespace amq {

/// Mean squares of a layer's inputs, as far as the statistics tell: the Hessian's diagonal is proportional to them.
/// Inputs that were always 0 get a millionth of the mean, so that they still count among each other. Empty without a
/// Hessian, or when all inputs were 0.
inline std::vector<float> gguf_importance(layer_statistics const& statistics) {
  auto const& hessian = statistics.hessian;
  std::vector<float> importance(static_cast<std::size_t>(hessian.cols));
  double total = 0;
  for (index i = 0; i < hessian.cols; ++i) total += importance[static_cast<std::size_t>(i)] = hessian(i, i);
  if (!(total > 0)) return {};
  auto const mean = static_cast<float>(total / static_cast<double>(hessian.cols));
  for (auto& value : importance) value = std::max(value / mean, 1e-6f);
  return importance;
}

/// Models matrix_quantizer: the result is dense, (rows, cols) f32, since no kernel of ours reads these blocks. A
/// format's bits choose the type (`gguf_type_for`); its group does not matter. Needs no data; `weighted` weighs errors
/// by the inputs' mean squares (llama.cpp's importance matrix) and so needs statistics.
template <bool Weighted>
class basic_gguf_blocks {
 public:
  using policy_category = quantizer_category;
  static constexpr bool uses_statistics = Weighted;

  /// What a file will hold of `weights`. O(rows * cols). Throws input_error where GGUF has no type for the format on
  /// this many inputs, and for weights that are not finite or too large for f16 scales. Kept formats are given back as
  /// they are.
  quantized_matrix quantize(matrix_view<float const> weights, format f, layer_statistics const& statistics = {}) const {
    matrix<float> values = clone(weights);
    if (f.kept()) return values;
    auto const type = gguf_type_for(f, weights.cols);
    if (!type) throw input_error(spelling(f) + " does not fit: " + gguf_refusal(f, weights.cols));
    auto const importance = Weighted ? gguf_importance(statistics) : std::vector<float>{};
    std::vector<std::byte> bytes(static_cast<std::size_t>(gguf_row_bytes(*type, weights.cols)));
    for (index row = 0; row < weights.rows; ++row) {
      encode_gguf_row(*type, weights.row(row), importance, bytes);
      decode_gguf_row(*type, bytes, values.row(row));
    }
    return values;
  }

  std::string name() const { return Weighted ? "gguf_weighted" : "gguf"; }
};

using gguf_blocks = basic_gguf_blocks<false>;
using gguf_weighted_blocks = basic_gguf_blocks<true>;

}  // namespace amq
