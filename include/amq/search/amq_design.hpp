// AMQ's initial design: every layer's sensitivity, the too sensitive ones pinned, then random configurations.
#pragma once

#include <algorithm>
#include <vector>

#include "amq/concepts/initial_design.hpp"
#include "amq/search/designs.hpp"
#include "amq/space/sensitivity.hpp"

namespace amq {

/// Spaces that know themselves with some layers pinned. Others are searched unpinned.
template <class Space>
concept pinnable_space = requires(Space const& s, std::span<index const> layers) {
  { s.pin(layers) } -> std::same_as<Space>;
};

struct amq_design_options {
  index initial = 250;        ///< uniform configurations and random ones together
  bool sensitivities = true;  ///< whether each layer is measured alone at its lowest choice, too, which is what pins
  double threshold = default_sensitivity_threshold;  ///< x median: layers above it are pinned; infinite: none
  choice_odds odds = choice_odds::even;              ///< of the random configurations
};

/// Models initial_design (arXiv 2509.12019, sections 3.2 and 4.3).
class amq_design {
 public:
  using policy_category = initial_design_category;

  explicit amq_design(amq_design_options options = {}) : options_(options) {}

  template <search_space Space, archive Archive>
  planned_batch next(Space const& space, Archive const& measured, random_stream& random) const {
    auto alone = missing_sensitivities(space, measured);
    if (!alone.empty()) return {phase::sensitivity, std::move(alone)};
    auto const evaluations = std::span<evaluation const>(measured.evaluations());
    if (std::ranges::any_of(evaluations, [](evaluation const& e) { return e.phase == phase::initial; })) return {};
    index const others =
        std::ranges::count_if(evaluations, [](evaluation const& e) { return e.phase != phase::sensitivity; });
    if (others >= options_.initial) return {};
    return {phase::initial, design(space, measured, options_.initial - others, random)};
  }

  /// Known once all sensitivities are measured.
  template <search_space Space, archive Archive>
  std::vector<index> pinned(Space const& space, Archive const& measured) const {
    auto const layers = variable_layers(space);
    if (!options_.sensitivities || layers.empty() || !pinnable_space<Space>) return {};
    auto const alone = sensitivity_configurations(space);
    gene_map<double> losses;
    for (auto const& genes : alone) losses.try_emplace(genes, std::numeric_limits<double>::quiet_NaN());
    for (auto const& e : std::span<evaluation const>(measured.evaluations()))
      if (auto const found = losses.find(e.configuration); found != losses.end() && e.fidelity == 1)
        found->second = e.loss;
    std::vector<double> sensitivities;
    for (auto const& genes : alone) sensitivities.push_back(losses.at(genes));
    if (std::ranges::any_of(sensitivities, [](double s) { return std::isnan(s); })) return {};
    auto pinned = pinned_by_sensitivity(sensitivities, options_.threshold);
    for (index& layer : pinned) layer = layers[static_cast<std::size_t>(layer)];
    return pinned;
  }

 private:
  template <class Space, class Archive>
  std::vector<configuration> missing_sensitivities(Space const& space, Archive const& measured) const {
    if (!options_.sensitivities) return {};
    auto alone = sensitivity_configurations(space);
    std::erase_if(alone, [&](configuration const& c) { return measured.contains(c); });
    return alone;
  }

  template <class Space, class Archive>
  std::vector<configuration> design(Space const& space, Archive const& measured, index n, random_stream& random) const {
    if constexpr (pinnable_space<Space>)
      return random_design(space.pin(pinned(space, measured)), measured, n, random, options_.odds);
    else
      return random_design(space, measured, n, random, options_.odds);
  }

  amq_design_options options_;
};

}  // namespace amq
