// What calibration tokens say about each input, for GGUF's block types and for llama.cpp's importance matrix.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "amq/calibrate/block_walk.hpp"
#include "amq/calibrate/block_weights.hpp"
#include "amq/calibrate/statistics.hpp"
#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/core/matrix.hpp"
#include "amq/export/gguf_recipe.hpp"
#include "amq/quantize/gguf_blocks.hpp"

namespace amq {

/// One entry a linear layer in each: what `gguf_options::importance` takes, and `write_gguf_imatrix`.
struct gguf_calibration {
  std::vector<std::vector<float>> importance;
  std::vector<gguf_importance_sums> sums;

  /// Takes in one layer's statistics, which need a Hessian: its diagonal is 2 / sequences times the sum of squares.
  void add(index layer, layer_statistics const& statistics) {
    auto const at = static_cast<std::size_t>(layer);
    importance.at(at) = gguf_importance(statistics);
    auto& [squares, tokens] = sums.at(at);
    tokens = statistics.tokens;
    for (index i = 0; i < statistics.hessian.cols; ++i)
      squares.push_back(statistics.hessian(i, i) * static_cast<float>(statistics.sequences) / 2);
  }
};

/// From statistics of the unquantized model, such as a search's bank was filled with: the file then holds what
/// `gguf_weighted_blocks` measured there.
inline gguf_calibration gguf_calibration_of(calibration_statistics const& statistics, index layers) {
  auto const count = static_cast<std::size_t>(layers);
  gguf_calibration result{std::vector<std::vector<float>>(count), std::vector<gguf_importance_sums>(count)};
  for (index layer = 0; layer < layers; ++layer) result.add(layer, statistics.layer(layer));
  return result;
}

/// The same by one pass over the unquantized model. Memory: one block's Hessians. Throws input_error that names the
/// layer where an activation is not finite.
template <class Model, class Executor>
gguf_calibration gguf_calibration_of(Model const& model, token_sequences const& tokens, Executor& executor) {
  auto const count = model.linears().size();
  gguf_calibration result{std::vector<std::vector<float>>(count), std::vector<gguf_importance_sums>(count)};
  block_walk walk(model, tokens, executor);
  while (!walk.finished()) {
    block_weights const weights(model, walk.layers(), executor);
    auto const statistics = walk.collect(weights);
    for (index const layer : walk.layers()) result.add(layer, statistics.layer(layer));
    walk.advance(weights);
  }
  return result;
}

}  // namespace amq
