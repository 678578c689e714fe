// Memory of the device, from its stream-ordered pool, and pinned memory of the host.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "amq/cuda/check.cuh"

namespace amq::cuda {

/// `count` elements of T on the current device, allocated and freed in the order of a stream, which must outlive it.
/// Not initialised. Move-only. Throws cuda_error that says how much was asked for and how much there is.
template <class T>
class device_buffer {
 public:
  device_buffer() = default;
  device_buffer(std::size_t count, cudaStream_t on) : count_(count), stream_(on) {
    if (count == 0) return;
    void* made = nullptr;
    auto const code = cudaMallocAsync(&made, bytes(), on);
    if (code == cudaErrorMemoryAllocation) fail_for_memory();
    check(code, "cudaMallocAsync");
    data_ = static_cast<T*>(made);
  }
  device_buffer(device_buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)), stream_(other.stream_) {}
  device_buffer& operator=(device_buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    std::swap(stream_, other.stream_);
    return *this;
  }
  ~device_buffer() {
    if (data_ != nullptr) cudaFreeAsync(data_, stream_);
  }

  T* data() const { return data_; }
  std::size_t size() const { return count_; }
  std::size_t bytes() const { return count_ * sizeof(T); }

  /// At least `count` elements from now on; what was in it is lost when it grows.
  void reserve(std::size_t count, cudaStream_t on) {
    if (count > count_) {
      *this = device_buffer();
      *this = device_buffer(count, on);
    }
  }

 private:
  [[noreturn]] void fail_for_memory() const {
    cudaGetLastError();
    std::size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    throw cuda_error("the device has no room for " + std::to_string(bytes() >> 20) +
                         " MiB more: " + std::to_string(free >> 20) + " of its " + std::to_string(total >> 20) +
                         " MiB are free; use fewer or shorter calibration sequences, fewer choices, or let the bank "
                         "stream from the host's memory",
                     static_cast<int>(cudaErrorMemoryAllocation), false);
  }

  T* data_ = nullptr;
  std::size_t count_ = 0;
  cudaStream_t stream_ = nullptr;
};

/// `count` elements of T in memory of the host that the device copies from at full speed. Move-only.
template <class T>
class pinned_buffer {
 public:
  pinned_buffer() = default;
  explicit pinned_buffer(std::size_t count) : count_(count) {
    if (count == 0) return;
    void* made = nullptr;
    check(cudaMallocHost(&made, count * sizeof(T)), "cudaMallocHost");
    data_ = static_cast<T*>(made);
  }
  pinned_buffer(pinned_buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  pinned_buffer& operator=(pinned_buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~pinned_buffer() {
    if (data_ != nullptr) cudaFreeHost(data_);
  }

  T* data() const { return data_; }
  std::size_t size() const { return count_; }
  std::span<T> span() const { return {data_, count_}; }

 private:
  T* data_ = nullptr;
  std::size_t count_ = 0;
};

/// Copies to the device in the order of the stream. Pageable host memory may be reused as soon as this returns.
template <class T>
void upload(std::span<T const> from, T* to, cudaStream_t on) {
  if (from.empty()) return;
  check(cudaMemcpyAsync(to, from.data(), from.size_bytes(), cudaMemcpyHostToDevice, on), "cudaMemcpyAsync");
}

/// Copies from the device; the host may read `to` once the stream is synchronised.
template <class T>
void download(T const* from, std::span<T> to, cudaStream_t on) {
  if (to.empty()) return;
  check(cudaMemcpyAsync(to.data(), from, to.size_bytes(), cudaMemcpyDeviceToHost, on), "cudaMemcpyAsync");
}

/// A buffer that holds what `from` does.
template <class T>
device_buffer<T> uploaded(std::span<T const> from, cudaStream_t on) {
  device_buffer<T> made(from.size(), on);
  upload(from, made.data(), on);
  return made;
}

}  // namespace amq::cuda
