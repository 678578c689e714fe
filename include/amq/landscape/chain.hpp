// Landscapes of another kind: pairs and thresholds of layers within a block, and a chain of blocks.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/random.hpp"
#include "amq/landscape/detail/answers.hpp"
#include "amq/landscape/effects.hpp"
#include "amq/landscape/sensitivity_file.hpp"

namespace amq {

struct chain_options {
  double growth = 6;     ///< how soon errors are more than additive: see link
  double noise = 0.005;  ///< standard deviation of ln loss; 0: none
};

/// Another layer of the same or the next block; `weight` acts while both are at their lowest choice.
struct layer_pair {
  index partner = 0;
  double weight = 0;
};

/// The tables of a chain landscape, as drawn or given.
struct chain_tables {
  matrix<double> effects;                      ///< a (layers, choices)
  std::vector<std::vector<layer_pair>> pairs;  ///< of each layer
  std::vector<index> thresholds;  ///< layers whose lowest choice is tripled by the one before at its lowest
  std::vector<double> drift;      ///< N_b, a normal number a block
};

namespace detail {

inline constexpr index pairs_a_layer = 3;
inline constexpr index threshold_layers = 4;

inline std::vector<layer_pair> draw_pairs(index layer, index first, index last, random_stream& random) {
  std::vector<layer_pair> pairs;
  auto const taken = [&](index m) {
    return m == layer || std::any_of(pairs.begin(), pairs.end(), [m](layer_pair const& p) { return p.partner == m; });
  };
  while (std::ssize(pairs) < std::min(pairs_a_layer, last - first - 1)) {
    index const partner = first + random.below(last - first);
    if (!taken(partner)) pairs.push_back({partner, std::clamp(0.5 * random.normal(), -0.6, 1.5)});
  }
  return pairs;
}

/// Layers that have one before them in their block, in random order, at most threshold_layers.
inline std::vector<index> draw_thresholds(std::span<index const> starts, random_stream& random) {
  std::vector<index> candidates;
  for (std::size_t b = 0; b + 1 < starts.size(); ++b)
    for (index l = starts[b] + 1; l < starts[b + 1]; ++l) candidates.push_back(l);
  random.shuffle(candidates);
  candidates.resize(static_cast<std::size_t>(std::min(threshold_layers, std::ssize(candidates))));
  return candidates;
}

/// Effects come from a stream of their own, the rest from one generator in the order pairs, thresholds, drift.
inline chain_tables draw_chain(sensitivity_table const& model, chain_options const& options, std::uint64_t seed) {
  random_stream effects(seed), random(seed, 1);
  chain_tables tables{layer_effects(model.sensitivities, options.growth, effects), {}, {}, {}};
  auto const starts = block_starts(model.layers);
  for (std::size_t b = 0; b + 1 < starts.size(); ++b) {
    index const last = starts[std::min(b + 2, starts.size() - 1)];
    for (index l = starts[b]; l < starts[b + 1]; ++l) tables.pairs.push_back(draw_pairs(l, starts[b], last, random));
  }
  tables.thresholds = draw_thresholds(starts, random);
  for (std::size_t b = 0; b + 1 < starts.size(); ++b) tables.drift.push_back(random.normal());
  return tables;
}

}  // namespace detail

/// Block error e_b = sum of a'[l, x_l] max(0.1, 1 + sum of the weights of l's pairs that are both at 2 bits), a' with
/// the thresholds applied; then r_(b+1) = r_b (1 + 0.02 N_b) + e_b (1 - 0.3 tanh(4 r_b)): an early error hides part of
/// a late one. loss = link(r) exp(noise z(x)), z(x) a normal number of (seed, x): a pure function. Models
/// streaming_evaluator and partial_evaluator; every member is const and thread-safe. A loss costs O(layers), a few
/// microseconds.
class chain_landscape : public detail::answers<chain_landscape> {
 public:
  /// Draws the landscape of a model.
  chain_landscape(sensitivity_table const& model, std::uint64_t seed, chain_options const& options = {})
      : chain_landscape(detail::draw_chain(model, options, seed), model.layers, seed, options) {}

  /// A landscape from given tables; of `layers` only the blocks are looked at. Throws precondition_error for tables
  /// that do not fit together.
  chain_landscape(chain_tables tables, std::span<linear_layer const> layers, std::uint64_t seed,
                  chain_options const& options)
      : tables_(std::move(tables)),
        starts_(detail::block_starts(layers)),
        threshold_(layers.size(), false),
        options_(options),
        seed_(seed) {
    AMQ_EXPECTS(std::ssize(layers) > 0 && this->layers() == std::ssize(layers) &&
                    tables_.pairs.size() == layers.size() && tables_.drift.size() + 1 == starts_.size(),
                "chain_landscape needs effects and pairs for each layer, and a drift for each block");
    for (auto const& pairs : tables_.pairs)
      for (auto const& pair : pairs) expect_layer(pair.partner, 0);
    for (index const layer : tables_.thresholds) {
      expect_layer(layer, 1);
      threshold_[static_cast<std::size_t>(layer)] = true;
    }
  }

  index layers() const { return tables_.effects.rows(); }
  index choices() const { return tables_.effects.cols(); }

  /// Nats a position, noise included. Throws precondition_error for genes of another space.
  double loss(std::span<gene const> genes) const {
    detail::expect_landscape_genes(genes, layers(), choices());
    double r = 0;
    for (std::size_t b = 0; b + 1 < starts_.size(); ++b)
      r = r * (1 + 0.02 * tables_.drift[b]) + block_error(b, genes) * (1 - 0.3 * std::tanh(4 * r));
    return link(r, options_.growth) * detail::noise_factor(options_.noise, seed_, genes);
  }

  /// As measured on a share of the tokens: noise that belongs to (seed, genes, fidelity).
  double noisier_loss(std::span<gene const> genes, double fidelity) const {
    return loss(genes) * detail::extra_noise_factor(options_.noise, seed_, genes, fidelity);
  }

 private:
  void expect_layer(index layer, index first) const {
    AMQ_EXPECTS(layer >= first && layer < layers(),
                "chain_landscape got layer " + std::to_string(layer) + " of " + std::to_string(layers()));
  }

  double block_error(std::size_t block, std::span<gene const> genes) const {
    double total = 0;
    for (index l = starts_[block]; l < starts_[block + 1]; ++l) {
      auto const at = static_cast<std::size_t>(l);
      double const effect = tables_.effects(l, genes[at]);
      total += genes[at] == 0 ? effect * lowest_factor(at, genes) : effect;
    }
    return total;
  }

  /// What pairs and thresholds make of a layer at its lowest choice.
  double lowest_factor(std::size_t layer, std::span<gene const> genes) const {
    double bracket = 1;
    for (auto const& [partner, weight] : tables_.pairs[layer])
      if (genes[static_cast<std::size_t>(partner)] == 0) bracket += weight;
    bool const tripled = threshold_[layer] && genes[layer - 1] == 0;
    return std::max(bracket, 0.1) * (tripled ? 3 : 1);
  }

  chain_tables tables_;
  std::vector<index> starts_;
  std::vector<bool> threshold_;
  chain_options options_;
  std::uint64_t seed_;
};

}  // namespace amq
