// Individuals in the rows of one growing matrix, none of them twice.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"

namespace amq::detail {

/// Eight genes a step, a multiplication each (as in FNV, with the upper half folded in); the same on every machine of
/// one byte order, and used for membership only.
inline std::uint64_t hash_of(std::span<gene const> genes) {
  constexpr std::uint64_t factor = 0x9e3779b97f4a7c15ULL;
  std::uint64_t hash = genes.size() * factor, word = 0;
  std::size_t i = 0;
  for (; i + 8 <= genes.size(); i += 8) {
    std::memcpy(&word, genes.data() + i, 8);
    hash = (hash ^ word) * factor;
    hash ^= hash >> 32;
  }
  word = 0;
  if (i < genes.size()) std::memcpy(&word, genes.data() + i, genes.size() - i);
  hash = (hash ^ word) * factor;
  return hash ^ hash >> 29;
}

/// A row is written in place, into `next()`, and becomes a member by `add_next()` unless it is one. O(1) in the number
/// of rows, without an allocation a row.
class gene_rows {
 public:
  explicit gene_rows(index variables) : variables_(variables), genes_(at(variables), 0), slots_(64, 0) {}

  index size() const { return std::ssize(hashes_); }
  matrix_view<gene const> view() const { return {genes_.data(), size(), variables_}; }
  std::span<gene const> row(index i) const { return view().row(i); }

  /// Where the next row is written; valid until the next call of add_next() or keep().
  std::span<gene> next() { return {genes_.data() + size() * variables_, at(variables_)}; }

  /// False, and no new member, when there is such a row.
  bool add_next() {
    auto const hash = hash_of(next());
    auto const slot = find(hash, next());
    if (slots_[slot] != 0) return false;
    hashes_.push_back(hash);
    slots_[slot] = static_cast<std::uint32_t>(hashes_.size());
    genes_.resize((hashes_.size() + 1) * at(variables_));
    if (2 * hashes_.size() > slots_.size()) rebuild(2 * slots_.size());
    return true;
  }
  bool add(std::span<gene const> genes) {
    std::ranges::copy(genes, next().begin());
    return add_next();
  }

  /// Only these rows stay, in this order.
  void keep(std::span<index const> rows) {
    std::vector<gene> genes((rows.size() + 1) * at(variables_));
    std::vector<std::uint64_t> hashes;
    for (index const i : rows) {
      std::ranges::copy(row(i), genes.begin() + std::ssize(hashes) * variables_);
      hashes.push_back(hashes_[at(i)]);
    }
    genes_ = std::move(genes);
    hashes_ = std::move(hashes);
    rebuild(slots_.size());
  }

 private:
  static std::size_t at(index i) { return static_cast<std::size_t>(i); }

  /// The slot of an equal row, or the free one where it would be.
  std::size_t find(std::uint64_t hash, std::span<gene const> genes) const {
    for (auto slot = hash & (slots_.size() - 1);; slot = (slot + 1) & (slots_.size() - 1)) {
      if (slots_[slot] == 0) return slot;
      auto const member = slots_[slot] - 1;
      if (hashes_[member] == hash && std::ranges::equal(row(member), genes)) return slot;
    }
  }

  void rebuild(std::size_t slots) {
    slots_.assign(slots, 0);
    for (std::size_t i = 0; i < hashes_.size(); ++i) {
      auto slot = hashes_[i] & (slots - 1);
      while (slots_[slot] != 0) slot = (slot + 1) & (slots - 1);
      slots_[slot] = static_cast<std::uint32_t>(i + 1);
    }
  }

  index variables_;
  std::vector<gene> genes_;            // one row more than members
  std::vector<std::uint64_t> hashes_;  // of the members
  std::vector<std::uint32_t> slots_;   // member + 1, or 0; a power of two of them
};

}  // namespace amq::detail
