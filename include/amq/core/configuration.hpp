// What a search decides (a configuration), what it decides about (linear layers), and what it learns (evaluations).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "amq/core/matrix.hpp"

namespace amq {

/// The index of a layer's choice, lowest format first.
using gene = std::uint8_t;

/// One gene for each linear layer, in checkpoint order (block first; within a block q, k, v, o, gate, up, down).
using configuration = std::vector<gene>;

/// A weight matrix that may be quantized, (rows, cols) = (outputs, inputs), named as in the checkpoint without
/// ".weight": `model.layers.3.mlp.down_proj`.
struct linear_layer {
  std::string name;
  index rows = 0;
  index cols = 0;
  int block = 0;
  int kind = 0;  ///< position within the block: layers of one kind lie in a row in AMQ's variable order
};

/// What measuring one configuration gives. `error` is empty unless this configuration alone could not be measured.
struct measurement {
  double loss = 0;                      ///< nats a position, mean over sequences
  std::vector<double> sequence_losses;  ///< nats a position, one for each calibration sequence; may be empty
  double seconds = 0;                   ///< wall time
  std::string error;
};

/// Why a configuration was measured.
enum class phase : std::uint8_t { uniform, sensitivity, initial, search };

constexpr char const* to_string(phase p) {
  switch (p) {
    case phase::uniform:
      return "uniform";
    case phase::sensitivity:
      return "sensitivity";
    case phase::initial:
      return "initial";
    case phase::search:
      return "search";
  }
  return "unknown";
}

/// One line of an archive.
struct evaluation {
  amq::configuration configuration;
  double average_bits = 0;       ///< bits a weight of the linear layers, overhead included
  std::int64_t model_bytes = 0;  ///< bytes of the whole model in the target format
  double loss = 0;
  std::vector<double> sequence_losses;
  amq::phase phase = phase::search;
  int batch = 0;  ///< 0 for the uniform configurations, then counting up
  double seconds = 0;
  double fidelity = 1;  ///< share of the calibration sequences it was measured on; fronts look at whole ones (1) only
};

}  // namespace amq
