// The compile-time front of a format_space with formats of any kind: the same choices for every linear layer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

/// `choices` without those that cost a layer of this shape the same as, or less than, one before them; rising in bits.
inline std::vector<format> rising_choices(std::vector<format> choices, index rows, index cols) {
  auto const cost = [&](format f) { return f.stored_bits(rows, cols); };
  std::stable_sort(choices.begin(), choices.end(), [&](format a, format b) { return cost(a) < cost(b); });
  choices.erase(std::unique(choices.begin(), choices.end(), [&](format a, format b) { return cost(a) == cost(b); }),
                choices.end());
  return choices;
}

/// A space whose layers all have these choices, each in the order of what they cost it: on small matrices a level of a
/// stack may cost more than on large ones. Of choices that cost a layer the same, the first named stays. Throws
/// input_error when a group does not divide a layer's inputs.
inline format_space space_of_choices(std::vector<linear_layer> const& layers, std::vector<format> const& choices,
                                     std::int64_t other_bytes) {
  std::vector<std::vector<format>> by_layer;
  for (auto const& layer : layers) by_layer.push_back(rising_choices(choices, layer.rows, layer.cols));
  return {layers, std::move(by_layer), other_bytes};
}

/// Formats to choose among: `choices<affine<2, 64>, affine<3, 128>, affine<4, 128>, bitstack_levels<4>, kept<bf16>>`.
template <class... Formats>
struct choices {
  static_assert(sizeof...(Formats) > 0, "amq: choices<...> needs at least one format, such as choices<affine<4, 128>>");
  static_assert(
      requires { (Formats::value, ...); },
      "amq: choices<...> takes formats: affine<Bits, Group>, affine_with_columns<Bits, Group, Columns>, "
      "bitstack_levels<Levels> or kept<bf16>");

  static std::vector<format> formats() { return {Formats::value...}; }

  /// The space over these layers.
  static format_space over(std::vector<linear_layer> const& layers, std::int64_t other_bytes) {
    return space_of_choices(layers, formats(), other_bytes);
  }
};

}  // namespace amq
