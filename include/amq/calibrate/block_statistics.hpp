// What the linear layers of one block are given: layers that share an input share one set of statistics.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// Which statistics to collect; what is cheap is always collected.
struct statistics_options {
  bool hessian = true;
  bool drift = false;        ///< GPTAQ's; needs a walk that keeps the unquantized stream
  index sampled_tokens = 0;  ///< rows of `inputs`, spread evenly over all tokens
};

/// The statistics of one input that `layers` share. Fields as in `layer_statistics`.
struct input_statistics {
  std::vector<index> layers;
  matrix<float> hessian;
  matrix<float> drift;
  std::vector<float> mean_absolute;
  std::vector<float> channel_norms;
  matrix<float> inputs;
  index tokens = 0;
  index sequences = 0;

  index cols() const { return static_cast<index>(mean_absolute.size()); }

  /// Valid while this lives.
  layer_statistics view() const {
    layer_statistics result;
    result.hessian = hessian;
    result.drift = drift;
    result.mean_absolute = mean_absolute;
    result.channel_norms = channel_norms;
    result.inputs = inputs;
    result.tokens = tokens;
    result.sequences = sequences;
    return result;
  }
};

/// The statistics of all layers of one block. Move-only.
class block_statistics {
 public:
  block_statistics() = default;
  explicit block_statistics(std::vector<input_statistics> inputs) : inputs_(std::move(inputs)) {}

  /// One entry for each input, in the order in which the block multiplies.
  std::vector<input_statistics> const& inputs() const { return inputs_; }

  /// The entry that `layer` shares. Throws precondition_error for a layer that the block did not multiply.
  input_statistics const& input_of(index layer) const {
    auto const found = std::find_if(inputs_.begin(), inputs_.end(), [layer](input_statistics const& input) {
      return std::find(input.layers.begin(), input.layers.end(), layer) != input.layers.end();
    });
    AMQ_EXPECTS(found != inputs_.end(), "no statistics were collected for layer " + std::to_string(layer));
    return *found;
  }

  /// Valid while this lives.
  layer_statistics layer(index layer) const& { return input_of(layer).view(); }
  layer_statistics layer(index layer) const&& = delete;

  /// Hands the entries over; nothing is left.
  std::vector<input_statistics> release() { return std::exchange(inputs_, {}); }

 private:
  std::vector<input_statistics> inputs_;
};

}  // namespace amq
