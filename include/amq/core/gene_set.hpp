// Sets and maps of configurations by their genes, looked up in O(1) without copying.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "amq/core/configuration.hpp"

namespace amq {

struct gene_hash {
  using is_transparent = void;
  std::size_t operator()(std::span<gene const> genes) const {
    return std::hash<std::string_view>{}({reinterpret_cast<char const*>(genes.data()), genes.size()});
  }
};

struct gene_equal {
  using is_transparent = void;
  bool operator()(std::span<gene const> a, std::span<gene const> b) const { return std::ranges::equal(a, b); }
};

/// For membership only: the order of iteration is the library's that it was built with.
using gene_set = std::unordered_set<configuration, gene_hash, gene_equal>;
template <class Value>
using gene_map = std::unordered_map<configuration, Value, gene_hash, gene_equal>;

/// Adds the genes; false when they were there.
inline bool insert(gene_set& set, std::span<gene const> genes) {
  return !set.contains(genes) && set.emplace(genes.begin(), genes.end()).second;
}

}  // namespace amq
