// A batch in the making: what is new, once each, up to a size; and how one that is short is filled.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/strategy.hpp"
#include "amq/core/gene_set.hpp"
#include "amq/search/designs.hpp"
#include "amq/search/measured.hpp"
#include "amq/search/unmeasured.hpp"

namespace amq::detail {

template <class Archive>
class new_batch {
 public:
  new_batch(Archive const& measured, index size) : measured_(&measured), size_(size) {}

  index missing() const { return size_ - std::ssize(chosen_); }
  bool knows(std::span<gene const> genes) const { return measured_->contains(genes) || members_.contains(genes); }

  /// False when it is measured or chosen already, or the batch is full.
  bool add(std::span<gene const> genes) {
    if (missing() <= 0 || measured_->contains(genes) || !insert(members_, genes)) return false;
    chosen_.emplace_back(genes.begin(), genes.end());
    return true;
  }

  /// Neighbours of some of the measured front at random, then anything that the space has left.
  template <class Space>
  void fill(Space const& space, random_stream& random) {
    auto const evaluations = std::span<evaluation const>(measured_->evaluations());
    auto const known = [this](std::span<gene const> genes) { return knows(genes); };
    if (missing() > 0) {
      auto front = measured_front(space, evaluations);
      random.shuffle(front);
      front.resize(std::min(front.size(), most_centres));
      std::vector<configuration> centres;
      for (auto const* e : front) centres.push_back(e->configuration);
      for (auto const& genes : unmeasured_neighbours(space, centres, known, missing(), random)) add(genes);
    }
    if (missing() > 0)
      for (auto const& genes :
           unmeasured_anywhere(space, known, evaluations.size() + members_.size(), missing(), random))
        add(genes);
  }

  std::vector<configuration> take() && { return std::move(chosen_); }

 private:
  static constexpr std::size_t most_centres = 32;

  Archive const* measured_;
  index size_;
  std::vector<configuration> chosen_;
  gene_set members_;
};

/// Uniform configurations that the archive lacks: first of all, so that no search is worse than they are.
template <class Space, class Archive>
std::vector<configuration> missing_uniforms(Space const& space, Archive const& measured) {
  auto uniform = uniform_configurations(space);
  std::erase_if(uniform, [&](configuration const& genes) { return measured.contains(genes); });
  return uniform;
}

/// `ask` of a planning strategy: at most n of what it plans.
inline std::vector<configuration> first_of(planned_batch batch, index n) {
  auto& all = batch.configurations;
  if (std::ssize(all) > n) all.resize(static_cast<std::size_t>(std::max<index>(n, 0)));
  return std::move(all);
}

}  // namespace amq::detail
