// Where a long word may be cut without changing how it merges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "amq/text/detail/pair_table.hpp"

namespace amq::detail {

/// One line of the list of merges.
struct merge_rule {
  std::int32_t left;
  std::int32_t right;
  std::int32_t result;
};

/// Two neighbouring symbols can end in one token only if some merge joins a token that ends in the first to one that
/// begins with the second. Between all others a word falls into parts that merge alike alone: tokenizers that cut no
/// words (SentencePiece's) still work on short ones.
class merge_borders {
 public:
  /// `rules` sorted so that a token is the result of a rule before it is a part of one. O(rules).
  void build(std::span<merge_rule const> rules) {
    std::unordered_map<std::int32_t, std::int32_t> firsts;
    std::unordered_map<std::int32_t, std::int32_t> lasts;
    auto const end = [](auto const& ends, std::int32_t id) {
      auto const found = ends.find(id);
      return found == ends.end() ? id : found->second;
    };
    for (auto const& rule : rules) {
      crossed_.insert(pair_key(end(lasts, rule.left), end(firsts, rule.right)));
      auto const [first, is_new] = firsts.try_emplace(rule.result, end(firsts, rule.left));
      auto const [last, is_new_too] = lasts.try_emplace(rule.result, end(lasts, rule.right));
      known_ = known_ && first->second == end(firsts, rule.left) && last->second == end(lasts, rule.right);
    }
  }

  /// Nothing is known to be a border from now on.
  void forget() { known_ = false; }

  bool between(std::int32_t left, std::int32_t right) const {
    return known_ && !crossed_.contains(pair_key(left, right));
  }

 private:
  pair_set crossed_;
  bool known_ = true;
};

}  // namespace amq::detail
