// A small CUDA program of somebody else: rounds a matrix to four bits on the device, where there is one.
#include <amq/cuda/buffer.cuh>
#include <amq/cuda/quantize/rtn.cuh>
#include <amq/cuda/stream.cuh>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace {

constexpr int rows = 16, cols = 128;

void quantize() {
  amq::cuda::stream const on;
  std::vector<float> weights(rows * cols);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 16);
  auto const given = amq::cuda::uploaded(std::span<float const>(weights), on);
  amq::tile_layout const layout{4, cols};
  amq::cuda::device_buffer<std::uint8_t> const tiles(static_cast<std::size_t>(layout.bytes(rows, cols)), on);
  amq::cuda::quantize_workspace work;
  amq::cuda::quantize_rtn(given.data(), rows, cols, layout, amq::cuda::rtn_request::asymmetric, tiles.data(), work, on);
  amq::cuda::check_quantized(work, on);
  std::printf("%zu bytes\n", tiles.size());
}

}  // namespace

int main() {
  int devices = 0;
  bool const has_device = cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0;
  try {
    quantize();
    return has_device ? 0 : 1;
  } catch (amq::cuda_error const& failure) {
    std::printf("%s\n", failure.what());
    return has_device ? 1 : 0;
  }
}
