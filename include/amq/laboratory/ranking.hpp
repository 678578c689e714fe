// How well a predictor ranks what matters: candidates near the front that cost nearly the same.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/gene_set.hpp"
#include "amq/core/random.hpp"
#include "amq/indicate/pareto.hpp"
#include "amq/search/designs.hpp"
#include "amq/search/memory_archive.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

/// Pairs that two rankings order alike and unlike; ties count as neither.
struct pair_counts {
  index concordant = 0;
  index discordant = 0;

  index pairs() const { return concordant + discordant; }
  /// Kendall's tau of these pairs; empty where there are none.
  std::optional<double> tau() const {
    if (pairs() == 0) return std::nullopt;
    return static_cast<double>(concordant - discordant) / static_cast<double>(pairs());
  }
};

/// Compares predicted and measured losses over all pairs whose bits differ by at most `width`. O(n^2).
inline pair_counts nearly_equal_pairs(std::span<double const> bits, std::span<double const> predicted,
                                      std::span<double const> measured, double width) {
  AMQ_EXPECTS(bits.size() == predicted.size() && bits.size() == measured.size(),
              "nearly_equal_pairs needs bits, prediction and loss of each candidate");
  pair_counts counts;
  for (std::size_t i = 0; i < bits.size(); ++i)
    for (std::size_t j = i + 1; j < bits.size(); ++j) {
      if (std::abs(bits[i] - bits[j]) > width) continue;
      double const order = (predicted[i] - predicted[j]) * (measured[i] - measured[j]);
      counts.concordant += order > 0;
      counts.discordant += order < 0;
    }
  return counts;
}

namespace detail {

/// What is measured in this space on all tokens and not dominated, rising in bits.
inline std::vector<evaluation const*> front_members(format_space const& space,
                                                    std::span<evaluation const> evaluations) {
  std::vector<evaluation const*> whole;
  for (auto const& e : evaluations)
    if (e.fidelity >= 1 && std::isfinite(e.loss) && space.contains(e.configuration)) whole.push_back(&e);
  matrix<double> objectives(std::ssize(whole), 2);
  for (index i = 0; i < objectives.rows(); ++i) {
    objectives(i, 0) = whole[static_cast<std::size_t>(i)]->average_bits;
    objectives(i, 1) = whole[static_cast<std::size_t>(i)]->loss;
  }
  std::vector<evaluation const*> members;
  for (index const row : front_indices(objectives)) members.push_back(whole[static_cast<std::size_t>(row)]);
  std::stable_sort(members.begin(), members.end(),
                   [](auto const* a, auto const* b) { return a->average_bits < b->average_bits; });
  return members;
}

/// One to three times: one layer a choice up and another a choice down.
inline configuration exchange_bits(format_space const& space, configuration genes, std::span<index const> layers,
                                   random_stream& random) {
  auto const draw = [&] { return layers[static_cast<std::size_t>(random.below(std::ssize(layers)))]; };
  for (index moves = 1 + random.below(3); moves > 0; --moves) {
    index const up = draw(), down = draw();
    auto& raised = genes[static_cast<std::size_t>(up)];
    auto& lowered = genes[static_cast<std::size_t>(down)];
    if (up == down || raised >= highest_gene(space, up) || lowered == 0) continue;
    ++raised;
    --lowered;
  }
  return genes;
}

}  // namespace detail

/// Up to n configurations near the measured front that are not measured, in groups of nearly equal bits around evenly
/// spaced members of it: what a search has to choose among, chosen by no predictor. Fewer where there are no more.
inline std::vector<configuration> fresh_near_front(format_space const& space, memory_archive const& measured, index n,
                                                   random_stream& random) {
  constexpr index group = 8;
  auto const members = detail::front_members(space, measured.evaluations());
  auto const layers = variable_layers(space);
  std::vector<configuration> fresh;
  if (members.empty() || layers.size() < 2) return fresh;
  gene_set taken;
  index const groups = std::max<index>(1, n / group);
  double const offset = random.uniform();
  for (index g = 0; g < groups; ++g) {
    double const place = (static_cast<double>(g) + offset) / static_cast<double>(groups);
    auto const& centre = members[static_cast<std::size_t>(place * static_cast<double>(members.size()))]->configuration;
    index found = 0;
    for (index draws = 0; draws < 4 * group && found < group && std::ssize(fresh) < n; ++draws) {
      auto genes = detail::exchange_bits(space, centre, layers, random);
      if (measured.contains(genes) || !insert(taken, genes)) continue;
      fresh.push_back(std::move(genes));
      ++found;
    }
  }
  return fresh;
}

}  // namespace amq
