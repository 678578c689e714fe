// Operators that keep the balance of levels: what one gene gains another one loses.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/random.hpp"
#include "amq/optimize/operators.hpp"

namespace amq {

/// One gene a level up, another one a level down, each uniform among those that can (EvoPress, arXiv 2410.14649). The
/// sum of all levels stays. False, and nothing changes, where no two genes can. O(genes).
inline bool switch_levels(std::span<gene> genes, std::span<int const> levels, random_stream& random) {
  std::vector<std::size_t> rising, falling;
  for (std::size_t i = 0; i < genes.size(); ++i) {
    if (genes[i] + 1 < levels[i]) rising.push_back(i);
    if (genes[i] > 0) falling.push_back(i);
  }
  if (rising.empty() || falling.empty()) return false;
  if (rising.size() == 1) std::erase(falling, rising[0]);
  if (falling.size() == 1) std::erase(rising, falling[0]);
  if (rising.empty() || falling.empty()) return false;
  auto const up = rising[static_cast<std::size_t>(random.below(std::ssize(rising)))];
  std::erase(falling, up);
  auto const down = falling[static_cast<std::size_t>(random.below(std::ssize(falling)))];
  ++genes[up];
  --genes[down];
  return true;
}

/// Two genes of different levels exchange them; one uniform over all genes, the other over those that it can exchange
/// with. False, and nothing changes, where there is none. O(genes).
inline bool swap_levels(std::span<gene> genes, std::span<int const> levels, random_stream& random) {
  if (genes.empty()) return false;
  auto const first = static_cast<std::size_t>(random.below(std::ssize(genes)));
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < genes.size(); ++i)
    if (genes[i] != genes[first] && genes[i] < levels[first] && genes[first] < levels[i]) others.push_back(i);
  if (others.empty()) return false;
  std::swap(genes[first], genes[others[static_cast<std::size_t>(random.below(std::ssize(others)))]]);
  return true;
}

/// Moves `child`, a copy of a parent, towards `other` in pairs: a gene that is lower there and one that is higher, each
/// pair with probability `share`, by as many levels as the lesser of the two differences. Every gene stays between the
/// parents', and the sum of all levels that of the first one. O(genes).
inline void move_in_pairs(std::span<gene> child, std::span<gene const> other, double share, random_stream& random) {
  std::vector<std::size_t> rising, falling;
  for (std::size_t i = 0; i < child.size(); ++i) {
    if (child[i] < other[i]) rising.push_back(i);
    if (child[i] > other[i]) falling.push_back(i);
  }
  random.shuffle(rising);
  random.shuffle(falling);
  for (std::size_t k = 0; k < std::min(rising.size(), falling.size()); ++k) {
    if (!random.bernoulli(share)) continue;
    auto const up = rising[k], down = falling[k];
    int const by = std::min(other[up] - child[up], child[down] - other[down]);
    child[up] = static_cast<gene>(child[up] + by);
    child[down] = static_cast<gene>(child[down] - by);
  }
}

/// With `probability` the child is one of the parents moved half way to the other without a change of its levels' sum.
struct level_switch_crossover {
  double probability = 0.9;
  double share = 0.5;

  void operator()(std::span<gene const> a, std::span<gene const> b, std::span<gene> child,
                  random_stream& random) const {
    bool const from_a = random.bernoulli(0.5);
    std::ranges::copy(from_a ? a : b, child.begin());
    if (random.bernoulli(probability)) move_in_pairs(child, from_a ? b : a, share, random);
  }
};

/// EvoPress's mutation: with `probability` the lesser of two draws from 1 .. most_switches level switches.
struct level_switch_mutation {
  double probability = 0.1;
  index most_switches = 3;

  void operator()(std::span<gene> genes, std::span<int const> levels, random_stream& random) const {
    if (!random.bernoulli(probability)) return;
    index const first = random.below(most_switches), second = random.below(most_switches);
    for (index k = 0; k <= std::min(first, second); ++k) switch_levels(genes, levels, random);
  }
};

/// With `probability` two genes exchange their levels.
struct swap_mutation {
  double probability = 0.1;

  void operator()(std::span<gene> genes, std::span<int const> levels, random_stream& random) const {
    if (random.bernoulli(probability)) swap_levels(genes, levels, random);
  }
};

}  // namespace amq
