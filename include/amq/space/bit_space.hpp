// The compile-time front of a format_space: the same widths and group for every linear layer.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "amq/space/format_space.hpp"

namespace amq {

namespace detail {

template <int... Bits>
constexpr bool strictly_rising() {
  std::array<int, sizeof...(Bits)> const widths{Bits...};
  for (std::size_t i = 1; i < widths.size(); ++i)
    if (widths[i - 1] >= widths[i]) return false;
  return true;
}

}  // namespace detail

/// Widths to choose among, in bits a code: `bits<2, 3, 4>`.
template <int... Bits>
struct bits {
  static_assert(sizeof...(Bits) > 0, "amq: bits<...> needs at least one width, such as bits<2, 3, 4>");
  static_assert(((Bits >= lowest_bits && Bits <= highest_bits) && ...), "amq: bits<...> takes widths from 2 to 8");
  static_assert(detail::strictly_rising<Bits...>(),
                "amq: bits<...> takes each width once, fewest bits first, such as bits<2, 3, 4>");
};

/// Inputs that share a scale and a zero: `group<128>`, or `group<format::whole_row>`.
template <int Group>
struct group {
  static_assert(Group > 0 || Group == format::whole_row,
                "amq: group<...> needs a positive number of inputs, or format::whole_row");
};

template <class Bits, class Group>
struct bit_space {
  static_assert(sizeof(Bits) == 0, "amq: write bit_space<bits<2, 3, 4>, group<128>>: widths first, then the group");
};

/// Each width with this group, for every linear layer; the widths decide which kernels are instantiated.
template <int... Bits, int Group>
struct bit_space<bits<Bits...>, group<Group>> {
  static constexpr std::array<format, sizeof...(Bits)> formats{format{Bits, Group}...};

  /// The space over these layers. Throws input_error when the group does not divide a layer's inputs.
  static format_space over(std::vector<linear_layer> const& layers, std::int64_t other_bytes) {
    return {layers, std::vector<format>(formats.begin(), formats.end()), other_bytes};
  }
};

}  // namespace amq
