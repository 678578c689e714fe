// HQQ on the device: one matrix, and all linear layers of a model with 7B weights.
#include <string>

#include "amq/cuda/convert/convert.cuh"
#include "amq/cuda/dequantize/dequantize.cuh"
#include "amq/cuda/quantize/hqq.cuh"
#include "cuda/data.cuh"
#include "cuda/setting.hpp"
#include "cuda/timing.cuh"

namespace amq::bench {
namespace {

constexpr int group = 128;

/// Seconds of one matrix. Half a step is the most that rounding alone would be off: HQQ may clip a few weights.
double hqq_seconds(int rows, int cols, int bits, cuda::stream const& on) {
  auto const weights = random_numbers<cuda::bf16>(static_cast<std::size_t>(rows) * cols, 6, 0.02f, on);
  tile_layout const layout{bits, group};
  cuda::device_buffer<std::uint8_t> const tiles(static_cast<std::size_t>(layout.bytes(rows, cols)), on);
  cuda::device_buffer<std::uint8_t> const packed(
      static_cast<std::size_t>(cuda::device_matrix_bytes(layout, rows, cols)), on);
  cuda::quantize_workspace work;
  auto const quantize = [&](int) {
    cuda::quantize_hqq(weights.data(), rows, cols, layout, cuda::hqq_request{}, tiles.data(), work, on);
  };
  poison(tiles, on);
  quantize(0);
  cuda::check_quantized(work, on);
  cuda::device_matrix const shape{packed.data(), rows, cols, bits, group};
  cuda::device_buffer<float> const restored(weights.size(), on), expected(weights.size(), on);
  cuda::to_device_layout(tiles.data(), shape, packed.data(), on);
  cuda::dequantize(shape, restored.data(), on);
  cuda::convert(weights.data(), expected.data(), static_cast<std::int64_t>(weights.size()), on);
  expect_close(restored, expected, weights.size(), 8.0 / (1 << bits), "HQQ of " + std::to_string(bits) + " bits", on);
  return seconds_in_turn(on, 1, quantize);
}

}  // namespace

void measure_quantizers(setting const& s) {
  cuda::stream const on;
  for (int const bits : {2, 3, 4})
    s.table.add({.what = "HQQ", .shape = "4096 x 4096", .bits = bits, .seconds = hqq_seconds(4096, 4096, bits, on)});
  double const seconds =
      32 * (4 * hqq_seconds(4096, 4096, 3, on) + 2 * hqq_seconds(11008, 4096, 3, on) + hqq_seconds(4096, 11008, 3, on));
  s.table.add({.what = "HQQ, all linears",
               .shape = "7B",
               .bits = 3,
               .seconds = seconds,
               .note = "224 matrices: the times of three shapes, times their counts"});
}

}  // namespace amq::bench
