// A growing matrix no row of which is there twice.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "amq/core/matrix.hpp"

namespace amq {

/// Eight bytes a step, a multiplication each (as in FNV, with the upper half folded in). For membership only: it is not
/// the same on machines of another byte order.
inline std::uint64_t hash_of(std::span<std::byte const> bytes) {
  constexpr std::uint64_t factor = 0x9e3779b97f4a7c15ULL;
  std::uint64_t hash = bytes.size() * factor, word = 0;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::memcpy(&word, bytes.data() + i, 8);
    hash = (hash ^ word) * factor;
    hash ^= hash >> 32;
  }
  word = 0;
  if (i < bytes.size()) std::memcpy(&word, bytes.data() + i, bytes.size() - i);
  hash = (hash ^ word) * factor;
  return hash ^ hash >> 29;
}

/// Rows of whole numbers. One is written in place, into `next()`, and becomes a member by `add_next()` unless it is
/// one: O(columns), without an allocation a row.
template <class T>
  requires std::is_integral_v<T>
class distinct_rows {
 public:
  explicit distinct_rows(index cols) : cols_(cols), values_(at(cols), 0), slots_(64, 0) {}

  index size() const { return std::ssize(hashes_); }
  matrix_view<T const> view() const { return {values_.data(), size(), cols_}; }
  std::span<T const> row(index i) const { return view().row(i); }

  /// Where the next row is written; it holds what was there last. Valid, as row() and view() are, until the next call
  /// of add_next() or keep().
  std::span<T> next() { return {values_.data() + size() * cols_, at(cols_)}; }

  /// False, and no new member, when there is such a row.
  bool add_next() {
    auto const hash = hash_of(std::as_bytes(next()));
    auto const slot = find(hash, next());
    if (slots_[slot] != 0) return false;
    hashes_.push_back(hash);
    slots_[slot] = static_cast<std::uint32_t>(hashes_.size());
    values_.resize(std::max(values_.size(), (hashes_.size() + 1) * at(cols_)));
    if (2 * hashes_.size() > slots_.size()) rebuild(2 * slots_.size());
    return true;
  }
  bool add(std::span<T const> values) {
    std::ranges::copy(values, next().begin());
    return add_next();
  }

  /// Only these rows stay, in this order.
  void keep(std::span<index const> rows) {
    kept_.resize(std::max(kept_.size(), (rows.size() + 1) * at(cols_)));
    kept_hashes_.clear();
    for (index const i : rows) {
      std::ranges::copy(row(i), kept_.begin() + std::ssize(kept_hashes_) * cols_);
      kept_hashes_.push_back(hashes_[at(i)]);
    }
    std::swap(values_, kept_);
    std::swap(hashes_, kept_hashes_);
    rebuild(slots_.size());
  }

 private:
  static std::size_t at(index i) { return static_cast<std::size_t>(i); }

  /// The slot of an equal row, or the free one where it would be.
  std::size_t find(std::uint64_t hash, std::span<T const> values) const {
    for (auto slot = hash & (slots_.size() - 1);; slot = (slot + 1) & (slots_.size() - 1)) {
      if (slots_[slot] == 0) return slot;
      auto const member = slots_[slot] - 1;
      if (hashes_[member] == hash && std::ranges::equal(row(member), values)) return slot;
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

  index cols_;
  std::vector<T> values_;              // at least one row more than members
  std::vector<std::uint64_t> hashes_;  // of the members
  std::vector<T> kept_;                // what keep() writes to, so that it allocates once
  std::vector<std::uint64_t> kept_hashes_;
  std::vector<std::uint32_t> slots_;  // member + 1, or 0; a power of two of them
};

}  // namespace amq
