// The recipe's initial design: sensitivities, alone or in groups of neighbouring blocks, then knapsack optima of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/initial_design.hpp"
#include "amq/core/statistics.hpp"
#include "amq/optimize/multiple_choice_knapsack.hpp"
#include "amq/predict/prior_effects.hpp"
#include "amq/search/designs.hpp"
#include "amq/search/measured.hpp"
#include "amq/search/sizes.hpp"

namespace amq {

struct sensitivity_design_options {
  index evaluations = 0;  ///< of the whole search; 0: unknown, so every layer is measured alone
  index group = 0;        ///< neighbouring blocks whose layers of one kind are lowered together; 0: as the budget asks
  double outlier = 4;     ///< groups above this times the median are measured again layer by layer
  index optima = 24;      ///< knapsack optima of the marginals
  double perturbation = 0.5;  ///< every second optimum is of effects times exp(this times a normal number)
};

/// Models initial_design: uniform configurations, sensitivities (in groups where all layers would be more than 15 % of
/// the budget), then `optima` knapsack optima of prior_effects at sizes from 3 % to 97 % of the range. Pins nothing.
class sensitivity_design {
 public:
  using policy_category = initial_design_category;

  explicit sensitivity_design(sensitivity_design_options options = {}) : options_(options) {}

  template <search_space Space, archive Archive>
  planned_batch next(Space const& space, Archive const& measured, random_stream& random) const {
    auto const missing = [&](std::vector<configuration> wanted) {
      gene_set once;
      std::erase_if(wanted, [&](configuration const& c) { return measured.contains(c) || !insert(once, c); });
      return wanted;
    };
    if (auto batch = missing(uniform_configurations(space)); !batch.empty()) return {phase::uniform, std::move(batch)};
    auto const groups = groups_of(space);
    if (auto batch = missing(lowered(space, groups)); !batch.empty()) return {phase::sensitivity, std::move(batch)};
    if (auto batch = missing(lowered(space, outliers(space, groups, measured))); !batch.empty())
      return {phase::sensitivity, std::move(batch)};
    for (auto const& e : std::span<evaluation const>(measured.evaluations()))
      if (e.phase == phase::initial || e.phase == phase::search) return {};
    return {phase::initial, missing(optima(space, measured, random))};
  }

  template <search_space Space, archive Archive>
  std::vector<index> pinned(Space const&, Archive const&) const {
    return {};
  }

 private:
  using group = std::vector<index>;  // layers

  index group_size(index layers) const {
    if (options_.group > 0) return options_.group;
    double const affordable = 0.15 * static_cast<double>(options_.evaluations);
    if (options_.evaluations <= 0 || static_cast<double>(layers) <= affordable) return 1;
    return std::max<index>(4, static_cast<index>(std::ceil(0.5 * static_cast<double>(layers) / affordable)));
  }

  /// Layers of one kind in neighbouring blocks; in spaces that do not know kinds, neighbours in order.
  template <class Space>
  std::vector<group> groups_of(Space const& space) const {
    auto const layers = variable_layers(space);
    index const size = group_size(std::ssize(layers));
    std::map<std::pair<index, index>, group> by_place;
    for (index const layer : layers) {
      if constexpr (requires { space.layers()[0].block; }) {
        auto const& l = space.layers()[static_cast<std::size_t>(layer)];
        by_place[{l.block / size, l.kind}].push_back(layer);
      } else {
        by_place[{layer / size, 0}].push_back(layer);
      }
    }
    std::vector<group> groups;
    for (auto& [place, members] : by_place) groups.push_back(std::move(members));
    return groups;
  }

  template <class Space>
  static std::vector<configuration> lowered(Space const& space, std::vector<group> const& groups) {
    std::vector<configuration> all;
    for (auto const& members : groups) {
      all.push_back(uniform_configuration(space, gene{255}));
      for (index const layer : members) all.back()[static_cast<std::size_t>(layer)] = 0;
    }
    return all;
  }

  /// The members, one by one, of groups that hurt far more than the median one.
  template <class Space, class Archive>
  std::vector<group> outliers(Space const& space, std::vector<group> const& groups, Archive const& measured) const {
    measured_losses const losses(measured);
    double const highest = *losses(uniform_configuration(space, gene{255}));
    if (!std::isfinite(highest)) return {};
    std::vector<double> excess;
    for (auto const& genes : lowered(space, groups)) excess.push_back(*losses(genes) - highest);
    std::vector<group> alone;
    if (excess.empty()) return alone;
    double const limit = options_.outlier * std::max(median(excess), 0.0);
    for (std::size_t k = 0; k < groups.size(); ++k)
      if (groups[k].size() > 1 && excess[k] > limit)
        for (index const layer : groups[k]) alone.push_back({layer});
    return alone;
  }

  template <class Space, class Archive>
  std::vector<configuration> optima(Space const& space, Archive const& measured, random_stream& random) const {
    auto const layers = variable_layers(space);
    if (layers.empty()) return {};
    auto const effects = effects_of(space, measured);
    if (effects.rows() == 0) return {};
    auto const sizes = level_sizes(space, layers);
    matrix<double> costs(sizes.rows(), sizes.cols());
    std::vector<configuration> found;
    for (index k = 0; k < options_.optima; ++k) {
      for (index v = 0; v < std::ssize(layers); ++v)
        for (index g = 0; g < costs.cols(); ++g)
          costs(v, g) = effects(layers[static_cast<std::size_t>(v)], g) *
                        (k % 2 == 1 ? std::exp(options_.perturbation * random.normal()) : 1.0);
      multiple_choice_knapsack const best(costs, sizes);
      double const place =
          options_.optima > 1 ? static_cast<double>(k) / static_cast<double>(options_.optima - 1) : 0.5;
      configuration reduced(layers.size());
      best.within((0.03 + 0.94 * place) * best.total(), reduced);
      auto whole = uniform_configuration(space, gene{255});
      for (std::size_t v = 0; v < layers.size(); ++v) whole[static_cast<std::size_t>(layers[v])] = reduced[v];
      found.push_back(std::move(whole));
    }
    return found;
  }

  template <class Space, class Archive>
  static matrix<double> effects_of(Space const& space, Archive const& measured) {
    std::vector<evaluation const*> known;
    for (auto const& e : std::span<evaluation const>(measured.evaluations()))
      if (e.fidelity == 1 && std::isfinite(e.loss) && belongs_to(space, e.configuration)) known.push_back(&e);
    if (known.empty()) return {};
    matrix<gene> genes(std::ssize(known), space.size());
    std::vector<double> losses;
    for (auto const* e : known) {
      std::ranges::copy(e->configuration, genes.row(std::ssize(losses)).begin());
      losses.push_back(e->loss);
    }
    return prior_effects(space, genes, losses);
  }

  sensitivity_design_options options_;
};

}  // namespace amq
