// The statistics of all layers of the unquantized model: for a search's bank, which quantizes each matrix on its own.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "amq/calibrate/block_statistics.hpp"
#include "amq/calibrate/block_walk.hpp"
#include "amq/calibrate/block_weights.hpp"
#include "amq/core/error.hpp"
#include "amq/text/tokens.hpp"

namespace amq {

/// What every linear layer is given when the unquantized model runs. Memory: 4 cols^2 bytes for each input that layers
/// share (four a block in a Llama); a `sequential` quantizer holds one block's only. Move-only.
class calibration_statistics {
 public:
  calibration_statistics() = default;
  explicit calibration_statistics(std::vector<input_statistics> inputs) : inputs_(std::move(inputs)) {
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      for (index const layer : inputs_[i].layers) {
        AMQ_EXPECTS(layer >= 0, "calibration_statistics needs layers of at least 0, not " + std::to_string(layer));
        auto const at = static_cast<std::size_t>(layer);
        if (at >= input_of_.size()) input_of_.resize(at + 1, nothing);
        input_of_[at] = i;
      }
  }

  /// One pass over the model. Throws input_error that names the layer where an activation is not finite.
  template <class Model, class Executor>
  static calibration_statistics collect(Model const& model, token_sequences const& tokens, Executor& executor,
                                        statistics_options options = {}) {
    std::vector<input_statistics> all;
    block_walk walk(model, tokens, executor);
    while (!walk.finished()) {
      block_weights const weights(model, walk.layers(), executor);
      auto block = walk.collect(weights, options).release();
      for (auto& input : block) all.push_back(std::move(input));
      walk.advance(weights);
    }
    return calibration_statistics(std::move(all));
  }

  /// In the order in which the model multiplies.
  std::vector<input_statistics> const& inputs() const { return inputs_; }

  /// Valid while this lives. Throws precondition_error for a layer that has none.
  layer_statistics layer(index layer) const& {
    AMQ_EXPECTS(layer >= 0 && layer < std::ssize(input_of_) && input_of_[static_cast<std::size_t>(layer)] != nothing,
                "no statistics were collected for layer " + std::to_string(layer));
    return inputs_[input_of_[static_cast<std::size_t>(layer)]].view();
  }
  layer_statistics layer(index layer) const&& = delete;
  layer_statistics operator()(index layer) const& { return this->layer(layer); }

 private:
  static constexpr std::size_t nothing = static_cast<std::size_t>(-1);

  std::vector<input_statistics> inputs_;
  std::vector<std::size_t> input_of_;  // by layer
};

}  // namespace amq
