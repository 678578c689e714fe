// Keys in the order of a radix sort: as the unsigned number whose bits it looks at.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace shim {

/// -0 equals +0; a NaN lies beyond the infinity of its sign.
template <class Key>
std::uint64_t radix_key(Key key) {
  if constexpr (std::is_floating_point_v<Key>) {
    static_assert(sizeof(Key) == 4);
    auto bits = std::bit_cast<std::uint32_t>(key);
    if (bits == 0x80000000u) bits = 0;
    return bits >> 31 ? ~bits : bits | 0x80000000u;
  } else {
    using plain = std::make_unsigned_t<Key>;
    auto const turned = std::is_signed_v<Key> ? plain{1} << (8 * sizeof(Key) - 1) : plain{0};
    return static_cast<plain>(static_cast<plain>(key) ^ turned);
  }
}

/// The bits [begin, end) of it.
template <class Key>
std::uint64_t radix_digits(Key key, int begin, int end) {
  std::uint64_t const above = end < 64 ? radix_key(key) & ((std::uint64_t{1} << end) - 1) : radix_key(key);
  return above >> begin;
}

}  // namespace shim
