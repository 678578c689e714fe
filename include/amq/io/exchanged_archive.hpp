// An archive apart from the file it lies in: what programs hand to each other.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/format.hpp"
#include "amq/io/archived_layer.hpp"

namespace amq {

namespace detail {

inline bool shapes_known(std::span<archived_layer const> layers) {
  return std::ranges::all_of(layers, [](auto const& layer) { return layer.rows > 0 && layer.cols > 0; });
}

/// Bits of all linear layers, AMQ's accounting; shapes must be known.
inline std::int64_t exchanged_linear_bits(std::span<archived_layer const> layers, std::span<gene const> genes) {
  std::int64_t bits = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    format const f = layers[i].choices[genes[i]];
    bits += f.stored_bits(layers[i].rows, layers[i].cols);
  }
  return bits;
}

inline double exchanged_average_bits(std::span<archived_layer const> layers, std::span<gene const> genes) {
  std::int64_t weights = 0;
  for (auto const& layer : layers) weights += layer.rows * layer.cols;
  return static_cast<double>(exchanged_linear_bits(layers, genes)) / static_cast<double>(weights);
}

}  // namespace detail

/// Everything of an archive that does not depend on where it is kept.
struct exchanged_archive {
  std::map<std::string, std::string> about;  ///< `model_sha256`, `tokens_sha256`, `loss`, ...: settings by name
  std::vector<archived_layer> layers;        ///< in checkpoint order
  std::vector<evaluation> evaluations;       ///< oldest first; gene i of a layer stands for its choices[i]

  /// Bytes of the model outside its linear layers, from the first evaluation; 0 where shapes or evaluations are absent.
  std::int64_t other_bytes() const {
    if (evaluations.empty() || !detail::shapes_known(layers)) return 0;
    auto const& first = evaluations.front();
    return std::max<std::int64_t>(
        0, first.model_bytes - (detail::exchanged_linear_bits(layers, first.configuration) + 7) / 8);
  }
};

}  // namespace amq
