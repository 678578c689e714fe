// Configurations in groups of nearly equal size: what a proxy is asked to rank.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/gene_set.hpp"
#include "amq/core/random.hpp"
#include "amq/search/designs.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

struct sized_configuration {
  configuration genes;
  double average_bits = 0;
  index level = 0;  ///< configurations of one level differ by at most `width` of the range of bits
};

struct gap_sample_options {
  index levels = 10;          ///< sizes, evenly over the range of bits
  index configurations = 20;  ///< of each size, at most
  double width = 0.01;        ///< of the range of bits
  double near_front = 0.5;    ///< share that gives sensitive layers more bits, as a search would; the rest does not
  std::uint64_t seed = 1;
};

namespace detail {

/// Each layer takes the choice that is cheapest at a price of bits: value x 4^-bits + price x bits a weight.
inline configuration priced(format_space const& space, std::span<index const> layers, std::span<double const> values,
                            double price) {
  auto genes = space.highest();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    auto const& layer = space.layers()[static_cast<std::size_t>(layers[i])];
    auto const choices = space.choices(layers[i]);
    auto const size = static_cast<double>(layer.rows) * static_cast<double>(layer.cols);
    auto const cost = [&](format f) {
      return values[i] * std::exp2(-2.0 * f.bits) + price * size * f.bits_per_weight(layer.rows, layer.cols);
    };
    auto const cheapest = std::ranges::min_element(choices, {}, cost);
    genes[static_cast<std::size_t>(layers[i])] = static_cast<gene>(cheapest - choices.begin());
  }
  return genes;
}

/// The configuration of those values that comes closest to so many bits: bisection on the price, in logarithms.
inline configuration of_size(format_space const& space, std::span<index const> layers, std::span<double const> values,
                             double bits) {
  double low = -80, high = 20;
  for (int step = 0; step < 50; ++step) {
    double const middle = (low + high) / 2;
    bool const large = space.average_bits(priced(space, layers, values, std::exp(middle))) > bits;
    (large ? low : high) = middle;
  }
  return priced(space, layers, values, std::exp(high));
}

/// Moves single layers, in random order, by one choice towards so many bits while that comes closer.
inline void move_towards(format_space const& space, std::span<index const> layers, double bits, random_stream& random,
                         configuration& genes) {
  for (index const place : random.permutation(std::ssize(layers))) {
    index const layer = layers[static_cast<std::size_t>(place)];
    auto& value = genes[static_cast<std::size_t>(layer)];
    double const missing = bits - space.average_bits(genes);
    gene const before = value;
    if (missing > 0 && value < highest_gene(space, layer)) ++value;
    if (missing < 0 && value > 0) --value;
    if (std::abs(bits - space.average_bits(genes)) >= std::abs(missing)) value = before;
  }
}

}  // namespace detail

/// Distinct configurations at `levels` sizes. `sensitivities[i]` is the loss that the i-th free layer adds alone at its
/// lowest choice: half of the configurations spread bits by them, with noise, the others by noise alone. Fewer than
/// asked where few configurations are of such a size. Deterministic under the seed. Throws precondition_error unless
/// there is one sensitivity for each free layer.
inline std::vector<sized_configuration> gap_sample(format_space const& space, std::span<double const> sensitivities,
                                                   gap_sample_options const& options = {}) {
  auto const layers = variable_layers(space);
  AMQ_EXPECTS(layers.size() == sensitivities.size() && !layers.empty(),
              "gap_sample needs one sensitivity for each of " + std::to_string(layers.size()) + " free layers, not " +
                  std::to_string(sensitivities.size()));
  double const lowest = space.average_bits(space.lowest());
  double const range = space.average_bits(space.highest()) - lowest;
  std::vector<sized_configuration> sample;
  gene_set taken;
  std::vector<double> values(layers.size());
  for (index level = 0; level < options.levels; ++level) {
    random_stream random(options.seed, static_cast<std::uint64_t>(level));
    double const bits = lowest + range * (static_cast<double>(level) + 0.5) / static_cast<double>(options.levels);
    index found = 0;
    for (index draw = 0; draw < 20 * options.configurations && found < options.configurations; ++draw) {
      bool const sensitive = random.bernoulli(options.near_front);
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = sensitive ? std::max(sensitivities[i], 1e-9) * std::exp(0.7 * random.normal())
                              : std::exp(2 * random.normal());
      auto genes = detail::of_size(space, layers, values, bits);
      detail::move_towards(space, layers, bits, random, genes);
      double const size = space.average_bits(genes);
      if (std::abs(size - bits) > options.width * range / 2 || !insert(taken, genes)) continue;
      sample.push_back({std::move(genes), size, level});
      ++found;
    }
  }
  return sample;
}

}  // namespace amq
