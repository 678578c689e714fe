// New configurations where a strategy has run out of ideas: neighbours, and any that are left.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/search_space.hpp"
#include "amq/core/gene_set.hpp"
#include "amq/core/random.hpp"
#include "amq/search/designs.hpp"

namespace amq {

/// Configurations that differ from one of `centres` in one layer by one choice; not in `known`, none twice, at most
/// `most`, drawn at random where there are more.
template <search_space Space, class Known>
std::vector<configuration> unmeasured_neighbours(Space const& space, std::span<configuration const> centres,
                                                 Known const& known, index most, random_stream& random) {
  std::vector<configuration> found;
  gene_set seen;
  auto const layers = variable_layers(space);
  for (auto const& centre : centres)
    for (index const layer : layers)
      for (int const step : {-1, 1}) {
        auto neighbour = centre;
        auto& gene_there = neighbour[static_cast<std::size_t>(layer)];
        if ((step < 0 && gene_there == 0) || (step > 0 && gene_there == highest_gene(space, layer))) continue;
        gene_there = static_cast<gene>(gene_there + step);
        if (!known(neighbour) && insert(seen, neighbour)) found.push_back(std::move(neighbour));
      }
  if (std::ssize(found) > most) {
    random.shuffle(found);
    found.resize(static_cast<std::size_t>(most));
  }
  return found;
}

/// Up to n random configurations of the space that are not in `known`, none twice; fewer only when there are no more.
/// `known_count`: how many of the space are known at most. Small spaces are enumerated, large ones sampled.
template <search_space Space, class Known>
std::vector<configuration> unmeasured_anywhere(Space const& space, Known const& known, std::size_t known_count, index n,
                                               random_stream& random) {
  auto const layers = variable_layers(space);
  double configurations = 1;
  for (index const layer : layers) configurations *= static_cast<double>(space.choices(layer).size());
  std::vector<configuration> found;
  auto genes = uniform_configuration(space, 0);
  if (configurations <= 65536 + 2 * static_cast<double>(known_count + static_cast<std::size_t>(n))) {
    for (bool more = true; more;) {
      if (!known(genes)) found.push_back(genes);
      more = false;
      for (index const layer : layers) {  // the next one in mixed radix
        auto& digit = genes[static_cast<std::size_t>(layer)];
        more = digit < highest_gene(space, layer);
        digit = static_cast<gene>(more ? digit + 1 : 0);
        if (more) break;
      }
    }
    random.shuffle(found);
    if (std::ssize(found) > n) found.resize(static_cast<std::size_t>(n));
    return found;
  }
  gene_set seen;
  while (std::ssize(found) < n) {  // at least every second draw is new
    for (index const layer : layers)
      genes[static_cast<std::size_t>(layer)] = static_cast<gene>(random.below(std::ssize(space.choices(layer))));
    if (!known(genes) && insert(seen, genes)) found.push_back(genes);
  }
  return found;
}

}  // namespace amq
