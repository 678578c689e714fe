#include "amq/cuda/rope/rotation.cuh"

#include <cmath>
#include <vector>

#include "amq/cuda/launch.cuh"
#include "cuda/support/device_values.hpp"
#include "cuda/support/host_library.hpp"
#include "support/catch.hpp"

namespace amq::cuda {
AMQ_CUDA_KERNEL void rotations_kernel(int const* positions, float const* frequencies, float2* out) {
  auto const turn = rotation_at(positions[blockIdx.x], frequencies[threadIdx.x]);
  out[blockIdx.x * blockDim.x + threadIdx.x] = make_float2(turn.cosine, turn.sine);
}

AMQ_CUDA_KERNEL void turned_kernel(float2* out) {
  rotation const turn{0.6f, 0.8f};
  out[0] = make_float2(turn.first(3, 5), turn.second(3, 5));
}

TEST_CASE("angles are the host's at any position", "[cuda]") {
  stream const on;
  std::vector<int> const positions{0, 1, 2, 77, 4095, 105616, 131071, 1000003};
  auto const frequencies = host_rope_frequencies(500000, 64);
  auto const positions_there = on_device(positions, on);
  auto const frequencies_there = on_device(frequencies, on);
  device_buffer<float2> out(positions.size() * frequencies.size(), on);
  launch({dim3(static_cast<unsigned>(positions.size())), dim3(static_cast<unsigned>(frequencies.size())), 0, on},
         rotations_kernel, positions_there.data(), frequencies_there.data(), out.data());
  auto const got = on_host(out, on);
  for (std::size_t p = 0; p < positions.size(); ++p)
    for (std::size_t i = 0; i < frequencies.size(); ++i) {
      CAPTURE(positions[p], i);
      double const angle = static_cast<double>(static_cast<float>(positions[p]) * frequencies[i]);
      auto const turn = got[p * frequencies.size() + i];
      REQUIRE(static_cast<double>(turn.x) == Approx(std::cos(angle)).margin(3e-7));
      REQUIRE(static_cast<double>(turn.y) == Approx(std::sin(angle)).margin(3e-7));
    }
}

TEST_CASE("a pair turns counterclockwise", "[cuda]") {
  stream const on;
  device_buffer<float2> out(1, on);
  launch({dim3(1), dim3(1), 0, on}, turned_kernel, out.data());
  auto const got = on_host(out, on)[0];
  CHECK(got.x == Approx(3 * 0.6 - 5 * 0.8));
  CHECK(got.y == Approx(5 * 0.6 + 3 * 0.8));
}

}  // namespace amq::cuda
