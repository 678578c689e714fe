// How much each choice of each layer weighs, in average bits: what keeps a configuration at a size.
#pragma once

#include <algorithm>
#include <limits>
#include <span>

#include "amq/concepts/search_space.hpp"
#include "amq/search/designs.hpp"

namespace amq {

/// What each choice of these layers adds to the average bits over the layer's lowest: (layers given, most choices),
/// infinite past a layer's choices. Average bits are the sum of these and a constant. O(layers^2 choices).
template <search_space Space>
matrix<double> level_sizes(Space const& space, std::span<index const> layers) {
  index most = 1;
  for (index const layer : layers) most = std::max(most, std::ssize(space.choices(layer)));
  matrix<double> added(std::ssize(layers), most);
  std::fill_n(added.data(), added.size(), std::numeric_limits<double>::infinity());
  auto genes = uniform_configuration(space, gene{255});
  for (index const layer : layers) genes[static_cast<std::size_t>(layer)] = 0;
  double const lowest = space.average_bits(genes);
  for (index v = 0; v < added.rows(); ++v) {
    index const layer = layers[static_cast<std::size_t>(v)];
    auto& here = genes[static_cast<std::size_t>(layer)];
    for (int level = 1; level <= highest_gene(space, layer); ++level) {
      here = static_cast<gene>(level);
      added(v, level) = space.average_bits(genes) - lowest;
    }
    added(v, 0) = here = 0;
  }
  return added;
}

}  // namespace amq
