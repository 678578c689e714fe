// Starting kernels, and what they may ask for.
#pragma once

#include <tuple>

#include "shim/device_api.hpp"
#include "shim/engine.hpp"

struct cudaLaunchAttribute {};
struct cudaLaunchConfig_t {
  dim3 gridDim = {};
  dim3 blockDim = {};
  std::size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
  cudaLaunchAttribute* attrs = nullptr;
  unsigned numAttrs = 0;
};
enum cudaFuncAttribute {
  cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
  cudaFuncAttributePreferredSharedMemoryCarveout = 9
};
struct cudaFuncAttributes {
  std::size_t sharedSizeBytes, constSizeBytes, localSizeBytes;
  int maxThreadsPerBlock, numRegs, ptxVersion, binaryVersion, maxDynamicSharedSizeBytes;
};

namespace shim::detail {

/// Bytes of shared memory that each kernel asked for beyond the usual.
inline std::map<void const*, std::size_t>& shared_limits() {
  static std::map<void const*, std::size_t> limits;
  return limits;
}

inline std::size_t shared_limit(void const* kernel) {
  std::scoped_lock const lock(the_world().mutex);
  auto const found = shared_limits().find(kernel);
  return found == shared_limits().end() ? std::size_t{48} << 10 : found->second;
}

inline cudaError_t check_launch(cudaLaunchConfig_t const& of, void const* kernel) {
  if (auto const code = state(); code != cudaSuccess) return code;
  auto const& facts = current_state().facts;
  if (facts.capability < facts.oldest_compiled) return cudaErrorNoKernelImageForDevice;
  auto const& [gx, gy, gz] = std::tie(of.gridDim.x, of.gridDim.y, of.gridDim.z);
  auto const& [bx, by, bz] = std::tie(of.blockDim.x, of.blockDim.y, of.blockDim.z);
  if (gx == 0 || gy == 0 || gz == 0 || bx == 0 || by == 0 || bz == 0) return cudaErrorInvalidConfiguration;
  if (gx > 0x7fffffffu || gy > 65535 || gz > 65535 || bx > 1024 || by > 1024 || bz > 64 || bx * by * bz > 1024)
    return cudaErrorInvalidConfiguration;
  return of.dynamicSmemBytes > shared_limit(kernel) ? cudaErrorInvalidValue : cudaSuccess;
}

/// A kernel's pointer must be null or lie in memory of its device or in pinned memory.
template <class T>
void check_argument(T const&) {}
template <class T>
void check_argument(T* const& at) {
  if (at == nullptr) return;
  std::scoped_lock const lock(the_world().mutex);
  auto const* const held = allocation_of(at, 0);
  if (held == nullptr)
    throw fault(cudaErrorIllegalAddress, "a kernel was given a pointer to memory that no device can reach");
  if (held->kind == memory_kind::device && held->device != current_device)
    throw fault(cudaErrorIllegalAddress, "a kernel was given a pointer to another device's memory");
}

inline engine& the_engine() {
  static thread_local engine one;
  return one;
}

}  // namespace shim::detail

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(cudaLaunchConfig_t const* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  static_assert((std::is_trivially_copyable_v<Parameters> && ...), "a kernel's parameters are copied as bytes");
  auto const shape = *config;
  auto const code = shim::detail::check_launch(shape, reinterpret_cast<void const*>(kernel));
  if (code != cudaSuccess) return shim::detail::told(code);
  return shim::enqueue(shape.stream, [shape, kernel, held = std::tuple<Parameters...>(arguments...)] {
    std::apply([](auto const&... each) { (shim::detail::check_argument(each), ...); }, held);
    auto const call = std::pair(kernel, &held);
    using called = decltype(call);
    shim::detail::the_engine().run(shape.gridDim, shape.blockDim, shape.dynamicSmemBytes,
                                   {[](void const* what) {
                                      auto const& [function, with] = *static_cast<called*>(what);
                                      std::apply(function, *with);
                                    },
                                    &call});
  });
}

inline cudaError_t cudaFuncSetAttribute(void const* kernel, cudaFuncAttribute which, int value) {
  if (auto const code = shim::detail::state(); code != cudaSuccess) return shim::detail::told(code);
  if (which != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  auto const bytes = static_cast<std::size_t>(value);
  if (value < 0 || bytes > shim::detail::current_state().facts.most_shared_bytes())
    return shim::detail::told(cudaErrorInvalidValue);
  std::scoped_lock const lock(shim::the_world().mutex);
  shim::detail::shared_limits()[kernel] = bytes;
  return cudaSuccess;
}
template <class... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute which, int value) {
  return cudaFuncSetAttribute(reinterpret_cast<void const*>(kernel), which, value);
}
inline cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* of, void const* kernel) {
  if (auto const code = shim::detail::state(); code != cudaSuccess) return shim::detail::told(code);
  auto const& facts = shim::detail::current_state().facts;
  if (facts.capability < facts.oldest_compiled) return shim::detail::told(cudaErrorNoKernelImageForDevice);
  *of = {};
  of->maxThreadsPerBlock = 1024;
  of->numRegs = 64;
  of->binaryVersion = of->ptxVersion = facts.capability;
  of->maxDynamicSharedSizeBytes = static_cast<int>(shim::detail::shared_limit(kernel));
  return cudaSuccess;
}
template <class... Parameters>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* of, void (*kernel)(Parameters...)) {
  return cudaFuncGetAttributes(of, reinterpret_cast<void const*>(kernel));
}
/// As many as threads and shared memory allow; the shim knows of no registers.
template <class Kernel>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Kernel, int threads, std::size_t shared_bytes) {
  if (auto const code = shim::detail::state(); code != cudaSuccess) return shim::detail::told(code);
  if (threads <= 0 || threads > 1024) return shim::detail::told(cudaErrorInvalidValue);
  auto const by_shared = (shim::detail::current_state().facts.most_shared_bytes() + 1024) / (shared_bytes + 1024);
  *blocks =
      static_cast<int>(std::min({std::size_t{32}, std::size_t{2048} / static_cast<unsigned>(threads), by_shared}));
  return cudaSuccess;
}
