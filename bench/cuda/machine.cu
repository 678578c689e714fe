// Which device this is, how fast it copies, and how fast cuBLAS multiplies on it.
#include <cstddef>
#include <cstdint>

#include "amq/cuda/cublas.cuh"
#include "cuda/data.cuh"
#include "cuda/device_facts.cuh"
#include "cuda/setting.hpp"
#include "cuda/timing.cuh"

namespace amq::bench {
namespace {

double copy_bandwidth(cuda::stream const& on) {
  constexpr std::size_t bytes = std::size_t{1} << 30;
  auto const from = random_numbers<float>(bytes / sizeof(float), 2, 1, on);
  cuda::device_buffer<float> const to(from.size(), on);
  return 2.0 * bytes / seconds_in_turn(on, 1, [&](int) {
           cuda::check(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice, on), "cudaMemcpyAsync");
         });
}

double dense_peak(cuda::stream const& on) {
  constexpr int n = 8192;
  auto const w = random_numbers<cuda::bf16>(std::size_t{n} * n, 3, 1, on);
  auto const x = random_numbers<cuda::bf16>(std::size_t{n} * n, 4, 1, on);
  cuda::device_buffer<float> const y(std::size_t{n} * n, on);
  cuda::cublas const blas(on);
  return 2.0 * n * n * n /
         seconds_in_turn(on, 1, [&](int) { blas.multiply(w.data(), n, n, x.data(), n, y.data(), false); });
}

}  // namespace

machine measure_machine() {
  auto const facts = facts_of_device(0);
  cuda::stream const on;
  return {facts.name,    facts.capability,   facts.cache_bytes, facts.driver,
          facts.runtime, copy_bandwidth(on), dense_peak(on)};
}

}  // namespace amq::bench
