// The plainest archive: everything measured, in memory.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "amq/concepts/archive.hpp"

namespace amq {

/// Models `archive`. contains() is O(genes), record() amortised O(genes).
class memory_archive {
 public:
  std::span<evaluation const> evaluations() const { return evaluations_; }

  void record(evaluation e) {
    members_.emplace(key(e.configuration));
    evaluations_.push_back(std::move(e));
  }

  bool contains(std::span<gene const> genes) const { return members_.contains(std::string(key(genes))); }

 private:
  static std::string_view key(std::span<gene const> genes) {
    return {reinterpret_cast<char const*>(genes.data()), genes.size()};
  }

  std::vector<evaluation> evaluations_;
  std::unordered_set<std::string> members_;
};

static_assert(archive<memory_archive>);

}  // namespace amq
