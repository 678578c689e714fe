// Random numbers on the device, and matrices that take turns so that none is still in the cache.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "amq/cuda/buffer.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/layout/permute.cuh"
#include "amq/cuda/number.cuh"
#include "amq/cuda/quantize/rtn.cuh"
#include "amq/cuda/stream.cuh"

namespace amq::bench {

/// Normal numbers, the same for the same seed.
template <class Number>
AMQ_CUDA_KERNEL void fill_kernel(Number* out, std::int64_t count, std::uint32_t seed, float deviation) {
  auto const mixed = [&](std::uint64_t i) {
    std::uint64_t x = (i + 1) * 0x9e3779b97f4a7c15u + seed;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return static_cast<std::uint32_t>((x ^ (x >> 31)) >> 32);
  };
  auto const step = std::int64_t{gridDim.x} * blockDim.x;
  for (auto i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    float const u = (static_cast<float>(mixed(2u * static_cast<std::uint64_t>(i)) >> 8) + 0.5f) * 0x1p-24f;
    float const v = (static_cast<float>(mixed(2u * static_cast<std::uint64_t>(i) + 1) >> 8) + 0.5f) * 0x1p-24f;
    out[i] = cuda::from_f32<Number>(deviation * sqrtf(-2 * logf(u)) * cosf(6.2831853f * v));
  }
}

template <class Number>
cuda::device_buffer<Number> random_numbers(std::size_t count, std::uint32_t seed, float deviation,
                                           cuda::stream const& on) {
  cuda::device_buffer<Number> made(count, on);
  cuda::launch({dim3(4096), dim3(256), 0, on}, fill_kernel<Number>, made.data(), static_cast<std::int64_t>(count), seed,
               deviation);
  return made;
}

/// How many matrices of so many bytes are more than twice what the cache holds; at least two.
inline int turns_for(std::int64_t cache_bytes, std::int64_t bytes) {
  return static_cast<int>(2 * cache_bytes / bytes) + 2;
}

/// One packed matrix of random weights, over and over.
class packed_in_turn {
 public:
  packed_in_turn(format stored, int rows, int cols, std::int64_t cache_bytes, cuda::stream const& on)
      : bytes_(static_cast<std::size_t>(cuda::device_matrix_bytes({stored.bits, stored.group}, rows, cols))),
        turns_(turns_for(cache_bytes, static_cast<std::int64_t>(bytes_))),
        memory_(bytes_ * static_cast<std::size_t>(turns_), on),
        shape_{nullptr, rows, cols, stored.bits, stored.group} {
    auto const weights = random_numbers<cuda::bf16>(static_cast<std::size_t>(rows) * cols, 1, 0.02f, on);
    tile_layout const layout{stored.bits, stored.group};
    cuda::device_buffer<std::uint8_t> const tiles(static_cast<std::size_t>(layout.bytes(rows, cols)), on);
    cuda::quantize_workspace work;
    cuda::quantize_rtn(weights.data(), rows, cols, layout, cuda::rtn_request::asymmetric, tiles.data(), work, on);
    cuda::to_device_layout(tiles.data(), shape_, memory_.data(), on);
    for (int i = 1; i < turns_; ++i)
      cuda::check(cudaMemcpyAsync(memory_.data() + i * bytes_, memory_.data(), bytes_, cudaMemcpyDeviceToDevice, on),
                  "cudaMemcpyAsync");
    cuda::check_quantized(work, on);
  }

  int turns() const { return turns_; }
  double bytes() const { return static_cast<double>(bytes_); }
  cuda::device_matrix operator[](int i) const {
    auto one = shape_;
    one.data = memory_.data() + static_cast<std::size_t>(i) * bytes_;
    return one;
  }

 private:
  std::size_t bytes_;
  int turns_;
  cuda::device_buffer<std::uint8_t> memory_;
  cuda::device_matrix shape_;
};

/// What a result holds before it is computed: NaN.
template <class T>
void poison(cuda::device_buffer<T> const& out, cuda::stream const& on) {
  cuda::check(cudaMemsetAsync(out.data(), 0xff, out.bytes(), on), "cudaMemsetAsync");
}

/// Throws unless the first `count` of `found` are within `tolerance` times the root mean square of `expected`.
inline void expect_close(cuda::device_buffer<float> const& found, cuda::device_buffer<float> const& expected,
                         std::size_t count, double tolerance, std::string const& what, cuda::stream const& on) {
  std::vector<float> a(count), b(count);
  cuda::download(found.data(), std::span<float>(a), on);
  cuda::download(expected.data(), std::span<float>(b), on);
  on.synchronize();
  double squares = 0, worst = 0;
  for (float const x : b) squares += double{x} * x;
  for (std::size_t i = 0; i < b.size(); ++i) {
    double const error = std::abs(double{a[i]} - b[i]);
    worst = error <= worst ? worst : error;  // NaN stays
  }
  double const error = worst / std::sqrt(squares / static_cast<double>(b.size()));
  if (!(error < tolerance))
    throw std::runtime_error(what + " is wrong: an error of " + std::to_string(error) +
                             " times the size of the results, expected less than " + std::to_string(tolerance));
}

}  // namespace amq::bench
