// What a linear layer's name says: the transformer block it belongs to, and which of the block's matrices it is.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "amq/core/configuration.hpp"

namespace amq {

/// `model.layers.3.mlp.up_proj`: block 3, matrix `mlp.up_proj`.
struct layer_name {
  int block = 0;
  std::string_view matrix;  ///< part of the name that was parsed
};

/// The block is the first part between dots that is a number; nothing when no part is one.
inline std::optional<layer_name> parse_layer_name(std::string_view name) {
  for (std::size_t start = 0; start <= name.size();) {
    std::size_t const end = std::min(name.find('.', start), name.size());
    int block = 0;
    auto const [stop, failure] = std::from_chars(name.data() + start, name.data() + end, block);
    if (failure == std::errc{} && stop == name.data() + end && block >= 0)
      return layer_name{block, name.substr(std::min(end + 1, name.size()))};
    start = end + 1;
  }
  return std::nullopt;
}

/// Sets block and kind of each layer from its name; a kind is numbered when its matrix is first met. Layers without a
/// number in their name are of block 0. O(layers x kinds).
inline void place_by_name(std::span<linear_layer> layers) {
  std::vector<std::string> kinds;
  for (auto& layer : layers) {
    auto const parsed = parse_layer_name(layer.name).value_or(layer_name{0, layer.name});
    auto const known = std::find(kinds.begin(), kinds.end(), parsed.matrix);
    layer.block = parsed.block;
    layer.kind = static_cast<int>(known - kinds.begin());
    if (known == kinds.end()) kinds.emplace_back(parsed.matrix);
  }
}

}  // namespace amq
