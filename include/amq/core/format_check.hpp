// Whether formats fit matrices, said in sentences for whoever chose the widths and the group.
#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <string>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"

namespace amq {

inline constexpr int lowest_bits = 2;
inline constexpr int highest_bits = 8;

/// Throws input_error unless `bits` is 2 to 8.
inline void check_bits(int bits) {
  if (bits < lowest_bits || bits > highest_bits)
    throw input_error("a linear layer takes 2 to 8 bits a weight, not " + std::to_string(bits) +
                      "; choose widths between 2 and 8");
}

/// Whether `group` (inputs, or format::whole_row) cuts a row of `cols` inputs into whole groups.
inline bool group_divides(int group, index cols) {
  if (cols <= 0) return false;
  return group == format::whole_row || (group > 0 && cols % group == 0);
}

/// The largest group that divides every layer's inputs; 0 without layers.
inline index largest_common_group(std::span<linear_layer const> layers) {
  return std::accumulate(layers.begin(), layers.end(), index{0},
                         [](index common, linear_layer const& layer) { return std::gcd(common, layer.cols); });
}

/// Throws input_error when `group` does not divide the inputs of every layer: names the first three that it does not
/// fit, how many more there are, and the largest group that divides all. O(layers).
inline void check_group(int group, std::span<linear_layer const> layers) {
  constexpr index named = 3;
  index misfits = 0;
  std::string list;
  for (auto const& layer : layers) {
    if (group_divides(group, layer.cols)) continue;
    if (misfits++ < named)
      list += (misfits > 1 ? ", " : "") + layer.name + " (" + std::to_string(layer.cols) + " inputs)";
  }
  if (misfits == 0) return;
  if (misfits > named) list += " and " + std::to_string(misfits - named) + " more";
  throw input_error("a group of " + std::to_string(group) + " does not divide the inputs of " + list +
                    "; the largest group that divides all layers is " + std::to_string(largest_common_group(layers)));
}

/// Throws input_error when a matrix with `cols` inputs a row cannot be quantized to `f`; the caller adds its name.
inline void check_format(format f, index cols) {
  check_bits(f.bits);
  if (!group_divides(f.group, cols))
    throw input_error("a group of " + std::to_string(f.group) + " does not divide the " + std::to_string(cols) +
                      " inputs of a row; choose one that does");
}

}  // namespace amq
