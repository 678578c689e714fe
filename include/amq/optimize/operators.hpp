// Crossover and mutation of genes: free functions that say exactly what happens, and the policies made of them.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/random.hpp"

namespace amq {

/// Which genes a child takes from its first parent; 0 or 1 each.
using gene_mask = std::vector<unsigned char>;

/// child[i] = first[i] where the mask says so, else second[i].
inline void recombine(std::span<gene const> first, std::span<gene const> second, gene_mask const& from_first,
                      std::span<gene> child) {
  for (std::size_t i = 0; i < child.size(); ++i) child[i] = from_first[i] ? first[i] : second[i];
}

/// Each gene from the first parent with probability `bias`, at least one (pymoo's binomial crossover). A bias of 1/2
/// draws 64 genes at once.
inline void draw_binomial_mask(gene_mask& mask, double bias, random_stream& random) {
  if (mask.empty()) return;
  if (bias == 0.5) {
    for (std::size_t i = 0; i < mask.size(); i += 64) {
      auto bits = random.engine()();
      for (std::size_t k = i; k < std::min(i + 64, mask.size()); ++k, bits >>= 1) mask[k] = bits & 1;
    }
  } else {
    for (auto& m : mask) m = random.bernoulli(bias) ? 1 : 0;
  }
  if (std::find(mask.begin(), mask.end(), 1) == mask.end())
    mask[static_cast<std::size_t>(random.below(std::ssize(mask)))] = 1;
}

/// Each gene from the first parent with probability `bias`, independently; possibly none or all.
inline void draw_uniform_mask(gene_mask& mask, double bias, random_stream& random) {
  for (auto& m : mask) m = random.bernoulli(bias) ? 1 : 0;
}

/// Genes in [begin, end) from the second parent, the others from the first.
inline void set_segment_mask(gene_mask& mask, index begin, index end) {
  for (index i = 0; i < std::ssize(mask); ++i) mask[static_cast<std::size_t>(i)] = i < begin || i >= end;
}

/// Calls visit(i) for each i in [0, n) with this probability, independently; draws about n x probability numbers.
template <class Visit>
void for_each_success(index n, double probability, random_stream& random, Visit&& visit) {
  if (!(probability > 0)) return;
  if (probability >= 1) {
    for (index i = 0; i < n; ++i) visit(i);
    return;
  }
  double const scale = 1 / std::log1p(-probability);
  double position = -1;
  for (;;) {
    position += 1 + std::floor(std::log1p(-random.uniform()) * scale);
    if (!(position < static_cast<double>(n))) return;
    visit(static_cast<index>(position));
  }
}

/// Every gene anew, uniform over its levels. levels[i] is how many values gene i takes.
inline void resample(std::span<gene> genes, std::span<int const> levels, random_stream& random) {
  for (std::size_t i = 0; i < genes.size(); ++i) genes[i] = static_cast<gene>(random.below(levels[i]));
}

/// Each gene with this probability becomes another one of its levels.
inline void reset_genes(std::span<gene> genes, std::span<int const> levels, double probability, random_stream& random) {
  for_each_success(std::ssize(genes), probability, random, [&](index i) {
    auto const at = static_cast<std::size_t>(i);
    if (levels[at] < 2) return;
    auto const other = random.below(levels[at] - 1);
    genes[at] = static_cast<gene>(other < genes[at] ? other : other + 1);
  });
}

/// Each gene with this probability moves one level up or down, inwards at the ends.
inline void step_genes(std::span<gene> genes, std::span<int const> levels, double probability, random_stream& random) {
  for_each_success(std::ssize(genes), probability, random, [&](index i) {
    auto const at = static_cast<std::size_t>(i);
    if (levels[at] < 2) return;
    bool const up = random.bernoulli(0.5);
    bool const rises = genes[at] == 0 || (up && genes[at] + 1 < levels[at]);
    genes[at] = static_cast<gene>(rises ? genes[at] + 1 : genes[at] - 1);
  });
}

namespace detail {

/// Eight bytes of 0 or 255, byte k for bit k of `bits`.
inline std::uint64_t spread_bits(std::uint64_t bits) {
  std::uint64_t const one_each = (bits & 255) * 0x0101010101010101ULL & 0x8040201008040201ULL;
  return ((one_each + 0x7f7f7f7f7f7f7f7fULL) >> 7 & 0x0101010101010101ULL) * 255;
}

/// recombine for at most 64 genes and a mask of bits; eight genes at once.
inline void recombine_bits(std::span<gene const> first, std::span<gene const> second, std::uint64_t from_first,
                           std::span<gene> child) {
  std::size_t i = 0;
  if constexpr (std::endian::native == std::endian::little)
    for (; i + 8 <= child.size(); i += 8) {
      std::uint64_t a = 0, b = 0;
      std::memcpy(&a, first.data() + i, 8);
      std::memcpy(&b, second.data() + i, 8);
      b ^= (a ^ b) & spread_bits(from_first >> i);
      std::memcpy(child.data() + i, &b, 8);
    }
  for (; i < child.size(); ++i) child[i] = (from_first >> i & 1) != 0 ? first[i] : second[i];
}

/// What draw_binomial_mask with a bias of 1/2 and recombine do, to the bit, 64 genes at once and without a mask.
inline void recombine_evenly(std::span<gene const> first, std::span<gene const> second, std::span<gene> child,
                             random_stream& random) {
  bool any = child.empty();
  for (std::size_t i = 0; i < child.size(); i += 64) {
    std::size_t const count = std::min<std::size_t>(64, child.size() - i);
    auto const bits = random.engine()();
    any = any || bits << (64 - count) != 0;
    recombine_bits(first.subspan(i, count), second.subspan(i, count), bits, child.subspan(i, count));
  }
  if (any) return;
  auto const at = static_cast<std::size_t>(random.below(std::ssize(child)));
  child[at] = first[at];
}

/// A crossover that is not executed copies one of the parents.
inline void copy_one_of(std::span<gene const> a, std::span<gene const> b, std::span<gene> child,
                        random_stream& random) {
  auto const& chosen = random.bernoulli(0.5) ? a : b;
  std::copy(chosen.begin(), chosen.end(), child.begin());
}

}  // namespace detail

/// AMQ's crossover: with `probability` each gene comes from the first parent with probability `bias`.
struct binomial_crossover {
  double probability = 0.9;
  double bias = 0.5;

  void operator()(std::span<gene const> a, std::span<gene const> b, std::span<gene> child,
                  random_stream& random) const {
    if (!random.bernoulli(probability)) return detail::copy_one_of(a, b, child, random);
    if (bias == 0.5) return detail::recombine_evenly(a, b, child, random);
    gene_mask mask(child.size());
    draw_binomial_mask(mask, bias, random);
    recombine(a, b, mask, child);
  }
};

/// With `probability` each gene comes from the first parent with probability `bias`, possibly none or all (Syswerda
/// 1989).
struct uniform_crossover {
  double probability = 0.9;
  double bias = 0.5;

  void operator()(std::span<gene const> a, std::span<gene const> b, std::span<gene> child,
                  random_stream& random) const {
    if (!random.bernoulli(probability)) return detail::copy_one_of(a, b, child, random);
    gene_mask mask(child.size());
    draw_uniform_mask(mask, bias, random);
    recombine(a, b, mask, child);
  }
};

/// A random stretch of genes comes from the second parent: neighbours in the order of variables stay together.
struct two_point_crossover {
  double probability = 0.9;

  void operator()(std::span<gene const> a, std::span<gene const> b, std::span<gene> child,
                  random_stream& random) const {
    auto const n = std::ssize(child);
    if (n < 2 || !random.bernoulli(probability)) return detail::copy_one_of(a, b, child, random);
    index begin = random.below(n), end = random.below(n);
    if (begin > end) std::swap(begin, end);
    gene_mask mask(child.size());
    set_segment_mask(mask, begin, end + 1);
    recombine(a, b, mask, child);
  }
};

/// AMQ's mutation as released: with `probability` the whole individual is forgotten and drawn anew.
struct resample_mutation {
  double probability = 0.1;

  void operator()(std::span<gene> genes, std::span<int const> levels, random_stream& random) const {
    if (random.bernoulli(probability)) resample(genes, levels, random);
  }
};

/// Changes single genes: with `probability` an individual mutates, each of its genes with `gene_probability` (0: one
/// gene on average).
struct reset_mutation {
  double probability = 0.1;
  double gene_probability = 0;

  void operator()(std::span<gene> genes, std::span<int const> levels, random_stream& random) const {
    if (genes.empty() || !random.bernoulli(probability)) return;
    reset_genes(genes, levels, gene_probability > 0 ? gene_probability : 1.0 / static_cast<double>(genes.size()),
                random);
  }
};

/// As reset_mutation, one level up or down.
struct step_mutation {
  double probability = 0.1;
  double gene_probability = 0;

  void operator()(std::span<gene> genes, std::span<int const> levels, random_stream& random) const {
    if (genes.empty() || !random.bernoulli(probability)) return;
    step_genes(genes, levels, gene_probability > 0 ? gene_probability : 1.0 / static_cast<double>(genes.size()),
               random);
  }
};

}  // namespace amq
