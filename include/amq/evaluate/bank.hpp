// The bank: every (layer, choice) quantized once, before the search, so that measuring a configuration only picks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "amq/concepts/causal_model.hpp"
#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/evaluate/weights.hpp"

namespace amq {

/// One layer quantized and dequantized: `(code - zero) * scale` of the stored values, (rows, cols). Throws input_error
/// that names the layer when the format does not fit or f16 cannot hold a scale or zero.
template <class Model, matrix_quantizer Quantizer>
matrix<float> quantized_weights(Model const& model, index layer, Quantizer const& quantizer, format wanted) {
  auto const& linear = model.linears()[static_cast<std::size_t>(layer)];
  matrix<float> weights = model.weight(layer);
  if (wanted.kept()) return weights;
  try {
    quantizer.quantize(weights, wanted, {}).dequantize(weights);
  } catch (input_error const& failure) {
    throw input_error(linear.name + " at " + to_string(wanted) + ": " + failure.what());
  }
  return weights;
}

/// Memory: 4 bytes for each weight and choice. Building costs one quantization for each (layer, choice).
class bank {
 public:
  template <class Model, search_space Space, matrix_quantizer Quantizer, class Executor>
  bank(Model const& model, Space const& space, Quantizer const& quantizer, Executor& executor) {
    struct cell {
      index layer;
      format wanted;
    };
    std::vector<cell> cells;
    for (index layer = 0; layer < space.size(); ++layer) {
      first_.push_back(cells.size());
      for (format const f : space.choices(layer)) cells.push_back({layer, f});
    }
    matrices_.resize(cells.size());
    executor.for_each(static_cast<index>(cells.size()), [&](index i, int) {
      auto const [layer, wanted] = cells[static_cast<std::size_t>(i)];
      matrices_[static_cast<std::size_t>(i)].emplace(quantized_weights(model, layer, quantizer, wanted));
    });
  }

  index layers() const { return static_cast<index>(first_.size()); }

  dense_matrix const& at(index layer, gene choice) const {
    return *matrices_[first_[static_cast<std::size_t>(layer)] + choice];
  }

  /// The weights of a configuration; valid while the bank lives.
  layer_weights pick(configuration const& genes) const {
    layer_weights picked(layers());
    for (index layer = 0; layer < layers(); ++layer)
      picked.set(layer, at(layer, genes[static_cast<std::size_t>(layer)]));
    return picked;
  }

 private:
  std::vector<std::size_t> first_;
  std::vector<std::optional<dense_matrix>> matrices_;
};

}  // namespace amq
