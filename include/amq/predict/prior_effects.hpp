// prior_effects: what sensitivities alone say about every layer's contribution to the loss at every choice.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "amq/concepts/search_space.hpp"
#include "amq/core/error.hpp"
#include "amq/core/statistics.hpp"

namespace amq {
namespace detail {

/// The extra loss of each layer at its lowest choice, NaN where unknown, from rows where some layers are at their
/// lowest and all others at their highest; layers that are lowered together share alike, the smallest such row counts.
template <search_space Space>
std::vector<double> excess_of_layers(Space const& space, matrix_view<gene const> genes, std::span<double const> losses,
                                     double highest_loss) {
  auto const n = static_cast<std::size_t>(space.size());
  std::vector<double> excess(n, std::numeric_limits<double>::quiet_NaN());
  std::vector<std::size_t> sharing(n, std::numeric_limits<std::size_t>::max());
  std::vector<std::size_t> lowered;
  for (index i = 0; i < genes.rows; ++i) {
    lowered.clear();
    bool pure = true;
    std::size_t free = 0;
    for (std::size_t l = 0; l < n && pure; ++l) {
      auto const highest = space.choices(static_cast<index>(l)).size() - 1;
      if (highest == 0 || space.pinned(static_cast<index>(l))) continue;
      ++free;
      auto const here = genes(i, static_cast<index>(l));
      if (here == 0)
        lowered.push_back(l);
      else
        pure = here == highest;
    }
    if (!pure || lowered.empty() || (lowered.size() == free && free > 1)) continue;
    double const each = (losses[static_cast<std::size_t>(i)] - highest_loss) / static_cast<double>(lowered.size());
    for (std::size_t const l : lowered)
      if (lowered.size() < sharing[l]) {
        sharing[l] = lowered.size();
        excess[l] = each;
      }
  }
  return excess;
}

}  // namespace detail

/// Contributions a(layer, choice) to the loss, in nats a position: (layers, most choices), infinite past a layer's
/// choices. Rows of `genes` (configurations, layers) with some layers at their lowest and the rest at their highest are
/// the sensitivities; at its highest choice a layer has a share of the all-highest loss in proportion to (a bounded)
/// sensitivity, in between bits interpolate geometrically. Layers without a sensitivity count as the median one. All
/// entries are positive. O(configurations x layers).
template <search_space Space>
matrix<double> prior_effects(Space const& space, matrix_view<gene const> genes, std::span<double const> losses) {
  auto const n = static_cast<std::size_t>(space.size());
  AMQ_EXPECTS(genes.rows == std::ssize(losses) && genes.rows >= 1,
              "prior_effects needs one loss for each configuration and at least one");
  double highest_loss = *std::min_element(losses.begin(), losses.end());
  double scale = 0;
  for (index i = 0; i < genes.rows; ++i) {
    bool all = true;
    for (std::size_t l = 0; l < n && all; ++l)
      all = genes(i, static_cast<index>(l)) == space.choices(static_cast<index>(l)).size() - 1;
    if (all) highest_loss = losses[static_cast<std::size_t>(i)];
    scale = std::max(scale, std::abs(losses[static_cast<std::size_t>(i)]));
  }
  highest_loss = std::max(highest_loss, 1e-9 * (scale > 0 ? scale : 1.0));
  auto excess = detail::excess_of_layers(space, genes, losses, highest_loss);
  std::vector<double> known;
  for (double const e : excess)
    if (!std::isnan(e)) known.push_back(e);
  double const middle = std::max(known.empty() ? highest_loss : median(known), 1e-3 * highest_loss);
  double total = 0;
  for (double& e : excess) {
    e = std::max(std::isnan(e) ? middle : e, 0.1 * middle);
    total += std::min(e, 4 * middle);
  }
  std::size_t most = 1;
  for (std::size_t l = 0; l < n; ++l) most = std::max(most, space.choices(static_cast<index>(l)).size());
  matrix<double> effects(space.size(), static_cast<index>(most));
  std::fill_n(effects.data(), effects.size(), std::numeric_limits<double>::infinity());
  for (std::size_t l = 0; l < n; ++l) {
    auto const choices = space.choices(static_cast<index>(l));
    double const high = highest_loss * (std::min(excess[l], 4 * middle) / total), low = high + excess[l];
    double const range = choices.back().bits - choices.front().bits;
    for (std::size_t g = 0; g < choices.size(); ++g) {
      double const place = range > 0 ? (choices[g].bits - choices.front().bits) / range : 1.0;
      effects(static_cast<index>(l), static_cast<index>(g)) = std::pow(low, 1 - place) * std::pow(high, place);
    }
  }
  return effects;
}

}  // namespace amq
