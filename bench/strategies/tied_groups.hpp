// Ten groups of layers that share their width: attention and feed-forward in five stretches of blocks.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/io/archived_layer.hpp"

namespace amq_bench {

using amq::configuration;
using amq::index;

inline constexpr int stretches = 5;
inline constexpr int groups = 2 * stretches;
inline constexpr int choices = 3;

/// First block of each stretch, and the number of blocks: the last stretch is one block, so that all but one block of a
/// forward pass is shared by nine configurations.
inline std::array<int, stretches + 1> stretch_starts(int blocks) {
  if (blocks < stretches) throw amq::input_error("ten tied groups need a model of at least 5 blocks");
  std::array<int, stretches + 1> starts{};
  for (int s = 0; s < stretches; ++s) starts[static_cast<std::size_t>(s)] = s * (blocks - 1) / (stretches - 1);
  starts[stretches] = blocks;
  return starts;
}

/// Group of each linear layer: 2 * stretch, plus 1 for the feed-forward part.
inline std::vector<int> groups_of(std::span<amq::linear_layer const> layers, int blocks) {
  auto const starts = stretch_starts(blocks);
  std::vector<int> result;
  for (auto const& layer : layers) {
    auto const above = std::upper_bound(starts.begin(), starts.end(), layer.block);
    bool const feed_forward = layer.name.find(".mlp.") != std::string::npos;
    result.push_back(2 * static_cast<int>(above - starts.begin() - 1) + (feed_forward ? 1 : 0));
  }
  return result;
}

/// The genes of all layers.
inline configuration expand(std::span<amq::gene const> group_genes, std::span<int const> group_of_layer) {
  configuration genes;
  for (int const g : group_of_layer) genes.push_back(group_genes[static_cast<std::size_t>(g)]);
  return genes;
}

/// Groups as layers of an archive, of as many weights as their members have together: average bits are the model's.
inline std::vector<amq::archived_layer> grouped_layers(std::span<amq::linear_layer const> layers, int blocks) {
  constexpr index group_size = 128;
  auto const starts = stretch_starts(blocks);
  auto const group_of_layer = groups_of(layers, blocks);
  std::vector<amq::archived_layer> result;
  for (int g = 0; g < groups; ++g) {
    index weights = 0;
    for (std::size_t l = 0; l < layers.size(); ++l)
      if (group_of_layer[l] == g) weights += layers[l].rows * layers[l].cols;
    auto const s = static_cast<std::size_t>(g / 2);
    std::string const name = "model.layers." + std::to_string(starts[s]) + "-" + std::to_string(starts[s + 1] - 1) +
                             (g % 2 == 0 ? ".self_attn" : ".mlp");
    result.push_back({name, {{2, group_size}, {3, group_size}, {4, group_size}}, weights / group_size, group_size});
  }
  return result;
}

}  // namespace amq_bench
