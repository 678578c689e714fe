// The plainest archive: everything measured, in memory.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/archive.hpp"
#include "amq/core/gene_set.hpp"

namespace amq {

/// Models `archive`. What was measured on a part of the tokens is kept but not found: it may be measured again.
/// contains() and find() are O(genes), record() amortised O(genes).
class memory_archive {
 public:
  std::span<evaluation const> evaluations() const { return evaluations_; }

  void record(evaluation e) {
    if (e.fidelity == 1) places_.try_emplace(e.configuration, evaluations_.size());
    evaluations_.push_back(std::move(e));
  }

  bool contains(std::span<gene const> genes) const { return places_.contains(genes); }

  /// The first evaluation of these genes, or null. Valid until the next record().
  evaluation const* find(std::span<gene const> genes) const {
    auto const place = places_.find(genes);
    return place == places_.end() ? nullptr : &evaluations_[place->second];
  }

 private:
  std::vector<evaluation> evaluations_;
  gene_map<std::size_t> places_;
};

static_assert(archive<memory_archive>);

}  // namespace amq
