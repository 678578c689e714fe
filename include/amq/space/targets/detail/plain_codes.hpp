// What most formats of files share: codes with scales a group, or a layer in 16 bits as it is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "amq/core/configuration.hpp"
#include "amq/core/format.hpp"
#include "amq/core/matrix.hpp"

namespace amq::detail {

/// Why a format of files named `name` that knows plain codes of these widths cannot hold `f`; empty where it can.
inline std::string plain_codes_refusal(std::string const& name, linear_layer const& layer, format f,
                                       std::span<int const> widths) {
  if (f.kept()) return f.bits == 16 ? "" : name + " keeps layers in 16 bits only";
  if (f.stacked()) return name + " knows no stacks of residual levels";
  if (f.kept_columns > 0) return name + " knows no columns in 16 bits beside codes";
  if (std::find(widths.begin(), widths.end(), f.bits) == widths.end()) {
    std::string list;
    for (int const width : widths) list += (list.empty() ? "" : ", ") + std::to_string(width);
    return name + " holds " + list + " bits";
  }
  if (layer.cols % f.group_size(layer.cols) != 0)
    return "groups of " + std::to_string(f.group) + " do not divide its " + std::to_string(layer.cols) + " inputs";
  return "";
}

inline std::int64_t kept_bits(linear_layer const& layer) { return std::int64_t{16} * layer.rows * layer.cols; }

/// `count` codes side by side in whole words of `word` bits.
inline std::int64_t padded_bits(index count, int bits, int word) { return (count * bits + word - 1) / word * word; }

}  // namespace amq::detail
