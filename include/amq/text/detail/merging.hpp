// Byte-pair merging of one word: the lowest rank first, the leftmost of equals, by a heap over a linked list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <queue>
#include <span>
#include <vector>

#include "amq/text/detail/pair_table.hpp"

namespace amq::detail {

/// Merges `symbols` and appends the tokens that remain to `ids`. O(n log n) for n symbols (Sennrich et al., 2016).
class word_merger {
 public:
  word_merger(std::span<std::int32_t const> symbols, merge_table const& merges) : merges_(merges) {
    nodes_.reserve(symbols.size());
    for (std::size_t i = 0; i < symbols.size(); ++i)
      nodes_.push_back({symbols[i], i, i + 1 < symbols.size() ? i + 1 : none});
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      nodes_[i].before = i == 0 ? none : i - 1;
      offer(i);
    }
    while (!queue_.empty()) {
      auto const next = queue_.top();
      queue_.pop();
      if (still_there(next)) merge(next);
    }
  }

  void append_to(std::vector<std::int32_t>& ids) const {
    for (std::size_t i = nodes_.empty() ? none : 0; i != none; i = nodes_[i].after) ids.push_back(nodes_[i].id);
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  static constexpr std::int32_t gone = -1;

  struct node {
    std::int32_t id;
    std::size_t before;
    std::size_t after;
  };
  struct candidate {
    token_merge merge;
    std::size_t at;
    /// The queue's top is its greatest.
    bool operator<(candidate const& other) const {
      return merge.rank != other.merge.rank ? merge.rank > other.merge.rank : at > other.at;
    }
  };

  token_merge const* merge_at(std::size_t at) const {
    if (nodes_[at].id == gone || nodes_[at].after == none) return nullptr;
    auto const found = merges_.find(pair_key(nodes_[at].id, nodes_[nodes_[at].after].id));
    return found == merges_.end() ? nullptr : &found->second;
  }
  void offer(std::size_t at) {
    if (auto const* const merge = merge_at(at)) queue_.push({*merge, at});
  }
  /// Earlier merges may have taken one of the two; what is there now counts if it becomes the same token.
  bool still_there(candidate const& next) const {
    auto const* const merge = merge_at(next.at);
    return merge != nullptr && merge->result == next.merge.result;
  }
  void merge(candidate const& next) {
    auto& left = nodes_[next.at];
    auto& right = nodes_[left.after];
    left.id = next.merge.result;
    left.after = right.after;
    right.id = gone;
    if (left.after != none) nodes_[left.after].before = next.at;
    if (left.before != none) offer(left.before);
    offer(next.at);
  }

  merge_table const& merges_;
  std::vector<node> nodes_;
  std::priority_queue<candidate> queue_;
};

}  // namespace amq::detail
