// Which configurations are measured before there is anything to predict from.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/archive.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/gene_set.hpp"
#include "amq/core/random.hpp"

namespace amq {

/// The gene of a layer's highest choice.
template <search_space Space>
gene highest_gene(Space const& space, index layer) {
  return static_cast<gene>(space.choices(layer).size() - 1);
}

/// Layers whose gene can vary, in checkpoint order: neither pinned nor with a single choice.
template <search_space Space>
std::vector<index> variable_layers(Space const& space) {
  std::vector<index> layers;
  for (index layer = 0; layer < space.size(); ++layer)
    if (!space.pinned(layer) && highest_gene(space, layer) > 0) layers.push_back(layer);
  return layers;
}

/// Every variable layer at this choice (at its highest, where it has fewer), all others at their highest.
template <search_space Space>
configuration uniform_configuration(Space const& space, gene choice) {
  configuration genes(static_cast<std::size_t>(space.size()));
  for (index layer = 0; layer < space.size(); ++layer) {
    gene const highest = highest_gene(space, layer);
    genes[static_cast<std::size_t>(layer)] = space.pinned(layer) ? highest : std::min(choice, highest);
  }
  return genes;
}

/// Uniform configurations of every width, lowest first.
template <search_space Space>
std::vector<configuration> uniform_configurations(Space const& space) {
  gene highest = 0;
  for (index const layer : variable_layers(space)) highest = std::max(highest, highest_gene(space, layer));
  std::vector<configuration> all;
  for (int choice = 0; choice <= highest; ++choice)
    all.push_back(uniform_configuration(space, static_cast<gene>(choice)));
  return all;
}

/// Each variable layer alone at its lowest choice, all others at their highest; checkpoint order.
template <search_space Space>
std::vector<configuration> sensitivity_configurations(Space const& space) {
  auto const highest = uniform_configuration(space, gene{255});
  std::vector<configuration> all;
  for (index const layer : variable_layers(space)) {
    all.push_back(highest);
    all.back()[static_cast<std::size_t>(layer)] = 0;
  }
  return all;
}

/// How a random configuration comes by the probabilities of its choices.
enum class choice_odds : std::uint8_t {
  even,      ///< uniform over all probability vectors: configurations near all-lowest and all-highest are not rare
  released,  ///< as AMQ's code: numbers from [0, 1) divided by their sum, which crowd around equal probabilities
};

/// Draws one probability for each choice, then every variable layer by these.
template <search_space Space>
configuration draw_configuration(Space const& space, std::span<index const> layers, random_stream& random,
                                 choice_odds odds = choice_odds::even) {
  auto genes = uniform_configuration(space, gene{255});
  std::vector<double> weights;
  for (index const layer : layers) {
    auto const choices = space.choices(layer).size();
    while (weights.size() < choices) {
      double const drawn = random.uniform();
      weights.push_back(odds == choice_odds::released ? drawn : -std::log1p(-drawn));
    }
  }
  for (index const layer : layers) {
    auto const choices = space.choices(layer).size();
    double total = 0;
    for (std::size_t c = 0; c < choices; ++c) total += weights[c];
    double place = random.uniform() * total;
    std::size_t choice = 0;
    while (choice + 1 < choices && place >= weights[choice]) place -= weights[choice++];
    genes[static_cast<std::size_t>(layer)] = static_cast<gene>(choice);
  }
  return genes;
}

/// AMQ's initial design: the uniform configurations of this (pinned) space, then random ones; at most n, none measured,
/// none twice. Fewer in a space so small that random draws no longer find new ones.
template <search_space Space, archive Archive>
std::vector<configuration> random_design(Space const& space, Archive const& measured, index n, random_stream& random,
                                         choice_odds odds = choice_odds::even) {
  constexpr int draws_without_new = 200;
  std::vector<configuration> design;
  gene_set seen;
  auto const take = [&](configuration const& genes) {
    if (measured.contains(genes) || !insert(seen, genes)) return false;
    design.push_back(genes);
    return true;
  };
  for (auto const& genes : uniform_configurations(space))
    if (std::ssize(design) < n) take(genes);
  auto const layers = variable_layers(space);
  for (int failures = 0; std::ssize(design) < n && failures < draws_without_new;)
    failures = take(draw_configuration(space, layers, random, odds)) ? 0 : failures + 1;
  return design;
}

}  // namespace amq
