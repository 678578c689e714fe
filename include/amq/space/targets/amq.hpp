// The byte model of this library's own files.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "amq/core/tile_layout.hpp"
#include "amq/space/target.hpp"
#include "amq/space/targets/detail/plain_codes.hpp"

namespace amq {
namespace detail {

inline std::int64_t amq_stored_bits(linear_layer const& layer, format f) {
  if (f.kept()) return kept_bits(layer);
  if (f.stacked()) {
    index const rank = f.level_rank(layer.rows, layer.cols);
    std::int64_t const level = padded_bits(layer.rows * layer.cols, 1, 8) + 16 * rank * (layer.rows + layer.cols);
    return f.bits * level;
  }
  if (tile_layout::refusal(f, layer.cols).empty())
    return 8 * tile_layout{f.bits, f.group}.bytes(layer.rows, layer.cols);
  return layer.rows * (padded_bits(layer.cols, f.bits, 8) + 32 * f.groups(layer.cols)) +
         index{f.kept_columns} * (16 * layer.rows + 32);
}

inline std::string amq_refusal(linear_layer const& layer, format f) {
  constexpr std::array<int, 7> widths{2, 3, 4, 5, 6, 7, 8};
  if (f.stacked()) return "";
  if (f.kept_columns > layer.cols)
    return "it has only " + std::to_string(layer.cols) + " inputs, of which " + std::to_string(f.kept_columns) +
           " cannot be kept";
  f.kept_columns = 0;
  return plain_codes_refusal("amq", layer, f, widths);
}

}  // namespace detail

/// Holds every format: b + 32 / group bits a weight, rows rounded up to 16 where there is a kernel for the format, else
/// beginning on bytes; a stack's levels, whose factors hold the
/// weights of the channels.
inline target amq_target() { return {"amq", detail::amq_stored_bits, detail::amq_refusal, {}, {}, stored_zeros::real}; }

}  // namespace amq
