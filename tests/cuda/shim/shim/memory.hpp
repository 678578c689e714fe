// Memory of the device and pinned memory of the host, both on the heap: filled with NaNs when new, refused when a set
// limit is passed.
#pragma once

#include <cstdlib>
#include <cstring>
#include <utility>

#include "shim/sanitizers.hpp"
#include "shim/stream.hpp"
#include "shim/world.hpp"

enum cudaMemcpyKind {
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4
};
inline constexpr unsigned cudaHostAllocDefault = 0, cudaHostAllocPortable = 1, cudaHostAllocMapped = 2;

namespace shim::detail {

inline constexpr std::size_t memory_alignment = 256;
inline constexpr std::size_t guard_bytes = SHIM_ASAN ? 0 : 64;
inline constexpr int memory_poison = 0xff, memory_guard = 0xa5;

inline cudaError_t allocate(void** at, std::size_t bytes, memory_kind kind) {
  if (at == nullptr) return cudaErrorInvalidValue;
  *at = nullptr;
  if (auto const code = state(); code != cudaSuccess) return code;
  if (bytes == 0) return cudaSuccess;
  auto& all = the_world();
  std::scoped_lock const lock(all.mutex);
  auto& device = current_state();
  auto& used = kind == memory_kind::device ? device.used_bytes : all.pinned_bytes;
  auto const limit = kind == memory_kind::device ? device.facts.memory_bytes : device.facts.pinned_bytes;
  if (bytes > limit || used > limit - bytes) return cudaErrorMemoryAllocation;
  if (posix_memalign(at, memory_alignment, bytes + guard_bytes) != 0) return cudaErrorMemoryAllocation;
  std::memset(*at, memory_poison, bytes);
  std::memset(static_cast<char*>(*at) + bytes, memory_guard, guard_bytes);
  used += bytes;
  all.allocations[reinterpret_cast<std::uintptr_t>(*at)] = {bytes, kind, current_device};
  return cudaSuccess;
}

/// Frees even on a broken device, so that a test of its failure does not leak.
inline cudaError_t deallocate(void* at, memory_kind kind) {
  if (at == nullptr) return state();
  auto& all = the_world();
  std::scoped_lock const lock(all.mutex);
  auto const found = all.allocations.find(reinterpret_cast<std::uintptr_t>(at));
  if (found == all.allocations.end() || found->second.kind != kind) return cudaErrorInvalidValue;
  auto const held = found->second;
  all.allocations.erase(found);
  if (kind == memory_kind::pinned)
    all.pinned_bytes -= held.bytes;
  else if (static_cast<std::size_t>(held.device) < all.devices.size())
    all.devices[static_cast<std::size_t>(held.device)].used_bytes -= held.bytes;
  auto const* const guard = static_cast<unsigned char const*>(at) + held.bytes;
  bool whole = true;
  for (std::size_t i = 0; i < guard_bytes; ++i) whole = whole && guard[i] == memory_guard;
  std::free(at);
  if (!whole)
    break_device(cudaErrorIllegalAddress,
                 "something wrote beyond an allocation of " + std::to_string(held.bytes) + " bytes");
  return state();
}

/// The allocation that [at, at + bytes) lies in, or nullptr; one past its end counts where bytes is 0.
inline allocation const* allocation_of(void const* at, std::size_t bytes) {
  auto const& all = the_world().allocations;
  auto const address = reinterpret_cast<std::uintptr_t>(at);
  auto after = all.upper_bound(address);
  if (after == all.begin()) return nullptr;
  auto const& [begin, held] = *--after;
  return address + bytes <= begin + held.bytes ? &held : nullptr;
}

inline bool is_device_memory(void const* at, std::size_t bytes) {
  std::scoped_lock const lock(the_world().mutex);
  auto const* const held = allocation_of(at, bytes);
  return held != nullptr && held->kind == memory_kind::device;
}

inline bool starts_in_device_memory(void const* at) { return is_device_memory(at, 1); }

/// Whether a copy's two ends are where its kind says.
inline cudaError_t check_copy(void const* to, void const* from, std::size_t bytes, cudaMemcpyKind kind) {
  if (bytes == 0) return cudaSuccess;
  if (to == nullptr || from == nullptr) return cudaErrorInvalidValue;
  bool const to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice ||
                         (kind == cudaMemcpyDefault && starts_in_device_memory(to));
  bool const from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice ||
                           (kind == cudaMemcpyDefault && starts_in_device_memory(from));
  auto const fits = [&](void const* at, bool on_device) {
    return on_device ? is_device_memory(at, bytes) : !starts_in_device_memory(at);
  };
  return fits(to, to_device) && fits(from, from_device) ? cudaSuccess : cudaErrorInvalidValue;
}

}  // namespace shim::detail

inline cudaError_t cudaMalloc(void** at, std::size_t bytes) {
  return shim::detail::told(shim::detail::allocate(at, bytes, shim::memory_kind::device));
}
template <class T>
cudaError_t cudaMalloc(T** at, std::size_t bytes) {
  return cudaMalloc(reinterpret_cast<void**>(at), bytes);
}
inline cudaError_t cudaFree(void* at) {
  return shim::detail::told(shim::detail::deallocate(at, shim::memory_kind::device));
}
/// Not while the stream is recorded.
inline cudaError_t cudaMallocAsync(void** at, std::size_t bytes, cudaStream_t on) {
  if (auto const code = shim::detail::refuse_recording(on); code != cudaSuccess) return shim::detail::told(code);
  return cudaMalloc(at, bytes);
}
template <class T>
cudaError_t cudaMallocAsync(T** at, std::size_t bytes, cudaStream_t on) {
  return cudaMallocAsync(reinterpret_cast<void**>(at), bytes, on);
}
inline cudaError_t cudaFreeAsync(void* at, cudaStream_t on) {
  if (auto const code = shim::detail::refuse_recording(on); code != cudaSuccess) return shim::detail::told(code);
  return cudaFree(at);
}
inline cudaError_t cudaHostAlloc(void** at, std::size_t bytes, unsigned) {
  return shim::detail::told(shim::detail::allocate(at, bytes, shim::memory_kind::pinned));
}
inline cudaError_t cudaMallocHost(void** at, std::size_t bytes, unsigned flags = 0) {
  return cudaHostAlloc(at, bytes, flags);
}
template <class T>
cudaError_t cudaMallocHost(T** at, std::size_t bytes, unsigned flags = 0) {
  return cudaHostAlloc(reinterpret_cast<void**>(at), bytes, flags);
}
inline cudaError_t cudaFreeHost(void* at) {
  return shim::detail::told(shim::detail::deallocate(at, shim::memory_kind::pinned));
}
inline cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  if (auto const code = shim::detail::state(); code != cudaSuccess) return shim::detail::told(code);
  std::scoped_lock const lock(shim::the_world().mutex);
  auto const& device = shim::detail::current_state();
  *total = device.facts.memory_bytes;
  *free = *total - std::min(*total, device.used_bytes);
  return cudaSuccess;
}

inline cudaError_t cudaMemcpyAsync(void* to, void const* from, std::size_t bytes, cudaMemcpyKind kind,
                                   cudaStream_t on = nullptr) {
  if (auto const code = shim::detail::check_copy(to, from, bytes, kind); code != cudaSuccess)
    return shim::detail::told(code);
  return shim::enqueue(on, [=] { std::memmove(to, from, bytes); });
}
inline cudaError_t cudaMemcpy(void* to, void const* from, std::size_t bytes, cudaMemcpyKind kind) {
  return cudaMemcpyAsync(to, from, bytes, kind);
}
inline cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, void const* from, std::size_t from_pitch,
                                     std::size_t width, std::size_t height, cudaMemcpyKind kind,
                                     cudaStream_t on = nullptr) {
  if (width > to_pitch || width > from_pitch) return shim::detail::told(cudaErrorInvalidValue);
  for (std::size_t row = 0; row < height; ++row) {
    auto const code = cudaMemcpyAsync(static_cast<char*>(to) + row * to_pitch,
                                      static_cast<char const*>(from) + row * from_pitch, width, kind, on);
    if (code != cudaSuccess) return code;
  }
  return shim::detail::told(shim::detail::state());
}
inline cudaError_t cudaMemcpy2D(void* to, std::size_t to_pitch, void const* from, std::size_t from_pitch,
                                std::size_t width, std::size_t height, cudaMemcpyKind kind) {
  return cudaMemcpy2DAsync(to, to_pitch, from, from_pitch, width, height, kind);
}
inline cudaError_t cudaMemsetAsync(void* at, int byte, std::size_t bytes, cudaStream_t on = nullptr) {
  if (bytes != 0 && !shim::detail::is_device_memory(at, bytes)) return shim::detail::told(cudaErrorInvalidValue);
  return shim::enqueue(on, [=] { std::memset(at, byte, bytes); });
}
inline cudaError_t cudaMemset(void* at, int byte, std::size_t bytes) { return cudaMemsetAsync(at, byte, bytes); }
