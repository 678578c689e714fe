// What tests of the device's quantizers share: matrices there and back, and how codes compare.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/packed_matrix.hpp"
#include "amq/core/tiled_matrix.hpp"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/quantize/workspace.cuh"
#include "amq/cuda/stream.cuh"

namespace amq::testing {

inline std::span<float const> values_of(matrix<float> const& m) {
  return {m.data(), static_cast<std::size_t>(m.size())};
}

/// What `quantize(weights on the device, rows, cols, layout, tiles, workspace, stream)` leaves, on the host. The tiles
/// lie between bytes that must stay as they are.
template <class Workspace = cuda::quantize_workspace, class Weight, class Quantize>
packed_matrix quantized_on_device(std::vector<Weight> const& weights, index rows, index cols, tile_layout layout,
                                  Quantize&& quantize) {
  constexpr std::size_t fence = 256;
  constexpr std::uint8_t untouched = 0xa5;
  cuda::stream const on;
  Workspace work;
  auto const there = cuda::uploaded(std::span<Weight const>(weights), on);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(layout.bytes(rows, cols)) + 2 * fence, untouched);
  auto const tiles = cuda::uploaded(std::span<std::uint8_t const>(bytes), on);
  quantize(there.data(), static_cast<int>(rows), static_cast<int>(cols), layout, tiles.data() + fence, work, on);
  cuda::download(tiles.data(), std::span(bytes), on);
  cuda::check_quantized(work, on);
  for (std::size_t i = 0; i < fence; ++i)
    if (bytes[i] != untouched || bytes[bytes.size() - 1 - i] != untouched)
      throw std::logic_error("the tiles' neighbours were written to");
  // Rows beyond the matrix are 0: packing what was unpacked gives the same bytes.
  auto result = unpack(tiled_view{bytes.data() + fence, rows, cols, layout});
  tiled_matrix const again(result);
  if (!std::equal(again.view().data, again.view().data + again.bytes(), bytes.data() + fence))
    throw std::logic_error("rows beyond the matrix are not 0");
  return result;
}

template <class Workspace = cuda::quantize_workspace, class Quantize>
packed_matrix quantized_on_device(matrix<float> const& weights, format f, Quantize&& quantize) {
  auto const values = values_of(weights);
  return quantized_on_device<Workspace>(std::vector<float>(values.begin(), values.end()), weights.rows(),
                                        weights.cols(), {f.bits, f.group}, quantize);
}

struct code_difference {
  index by_one = 0;
  index by_more = 0;
  double zeros = 0;  ///< largest difference
  index scales = 0;  ///< that differ at all
};

inline code_difference compare(packed_matrix const& a, packed_matrix const& b) {
  code_difference d;
  for (index row = 0; row < a.rows(); ++row) {
    for (index col = 0; col < a.cols(); ++col) {
      int const off = std::abs(a.code(row, col) - b.code(row, col));
      d.by_one += off == 1;
      d.by_more += off > 1;
    }
    for (index group = 0; group < a.groups(); ++group) {
      d.zeros = std::max(d.zeros, std::abs(double{a.zero(row, group)} - double{b.zero(row, group)}));
      d.scales += a.scale(row, group) != b.scale(row, group);
    }
  }
  return d;
}

inline matrix<float> dequantized(packed_matrix const& packed) {
  matrix<float> values(packed.rows(), packed.cols());
  packed.dequantize(values);
  return values;
}

/// Mean of |weight - dequantized|.
inline double mean_distance(matrix<float> const& weights, packed_matrix const& packed) {
  auto const values = dequantized(packed);
  double total = 0;
  for (index i = 0; i < weights.size(); ++i) total += std::abs(double{weights.data()[i]} - double{values.data()[i]});
  return total / static_cast<double>(weights.size());
}

}  // namespace amq::testing
