// What a strategy reads from an archive: losses by configuration, and the front of its own space.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <vector>

#include "amq/concepts/archive.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/gene_set.hpp"
#include "amq/search/designs.hpp"

namespace amq {

/// Whether these genes are a configuration of this space: one for each layer, in range, pinned ones at the highest. An
/// archive may hold others. O(layers).
template <search_space Space>
bool belongs_to(Space const& space, std::span<gene const> genes) {
  if (std::ssize(genes) != space.size()) return false;
  for (index layer = 0; layer < space.size(); ++layer) {
    gene const here = genes[static_cast<std::size_t>(layer)], highest = highest_gene(space, layer);
    if (here > highest || (space.pinned(layer) && here != highest)) return false;
  }
  return true;
}

/// Losses of an archive by configuration, O(genes) each; those on a part of the tokens are left out. The archive must
/// outlive it and not change.
template <archive Archive>
class measured_losses {
  static constexpr bool findable = requires(Archive const& a, std::span<gene const> genes) {
    { a.find(genes) } -> std::same_as<evaluation const*>;
  };

 public:
  /// O(evaluations) for archives without `find(genes)`, O(1) for the others.
  explicit measured_losses(Archive const& measured) : measured_(&measured) {
    if constexpr (!findable)
      for (auto const& e : std::span<evaluation const>(measured.evaluations()))
        if (e.fidelity == 1) losses_.try_emplace(e.configuration, e.loss);
  }

  /// Not finite for what could not be measured, empty for what was not.
  std::optional<double> operator()(std::span<gene const> genes) const {
    if constexpr (findable) {
      auto const* const found = measured_->find(genes);
      return found ? std::optional(found->loss) : std::nullopt;
    } else {
      auto const found = losses_.find(genes);
      return found == losses_.end() ? std::nullopt : std::optional(found->second);
    }
  }

 private:
  Archive const* measured_;
  gene_map<double> losses_;
};

/// The non-dominated evaluations of this space, fewest bits first; of equal ones the first measured. Losses fall along
/// it. O(n log n).
template <search_space Space>
std::vector<evaluation const*> measured_front(Space const& space, std::span<evaluation const> evaluations) {
  std::vector<evaluation const*> sorted;
  for (auto const& e : evaluations)
    if (std::isfinite(e.loss) && e.fidelity == 1 && belongs_to(space, e.configuration)) sorted.push_back(&e);
  std::stable_sort(sorted.begin(), sorted.end(), [](evaluation const* a, evaluation const* b) {
    return a->average_bits != b->average_bits ? a->average_bits < b->average_bits : a->loss < b->loss;
  });
  std::vector<evaluation const*> front;
  for (auto const* e : sorted)
    if (front.empty() || e->loss < front.back()->loss) front.push_back(e);
  return front;
}

}  // namespace amq
