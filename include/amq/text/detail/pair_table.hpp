// Which pairs of tokens merge, in which order, and into what.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace amq::detail {

/// Spreads the two ids over all bits (the finalizer of SplitMix64).
struct pair_hash {
  std::size_t operator()(std::uint64_t key) const noexcept {
    key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9u;
    key = (key ^ (key >> 27)) * 0x94D049BB133111EBu;
    return static_cast<std::size_t>(key ^ (key >> 31));
  }
};

constexpr std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}

/// `rank`: place in the list of merges, the lowest first; `result`: the token that the two become.
struct token_merge {
  std::int32_t rank;
  std::int32_t result;
};

/// Only looked up, never walked: the order of its entries decides nothing.
using merge_table = std::unordered_map<std::uint64_t, token_merge, pair_hash>;
using pair_set = std::unordered_set<std::uint64_t, pair_hash>;

}  // namespace amq::detail
