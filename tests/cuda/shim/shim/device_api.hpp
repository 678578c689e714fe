// Which devices there are and what they are.
#pragma once

#include <cstring>

#include "shim/memory.hpp"

struct cudaDeviceProp {
  char name[256];
  std::size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin, sharedMemPerMultiprocessor;
  int major, minor, multiProcessorCount, l2CacheSize, warpSize, regsPerBlock, regsPerMultiprocessor;
  int maxThreadsPerBlock, maxThreadsPerMultiProcessor, maxBlocksPerMultiProcessor;
  int maxThreadsDim[3], maxGridSize[3];
  int memoryBusWidth, memoryPoolsSupported, persistingL2CacheMaxSize, accessPolicyMaxWindowSize, pciBusID, pciDeviceID;
};
enum cudaDeviceAttr {
  cudaDevAttrMaxThreadsPerBlock = 1,
  cudaDevAttrMaxSharedMemoryPerBlock = 8,
  cudaDevAttrWarpSize = 10,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrL2CacheSize = 38,
  cudaDevAttrMaxThreadsPerMultiProcessor = 39,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81,
  cudaDevAttrMaxRegistersPerMultiprocessor = 82,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
  cudaDevAttrMemoryPoolsSupported = 115
};
struct CUmemPoolHandle_st {
  std::uint64_t release_threshold = 0;
};
using cudaMemPool_t = CUmemPoolHandle_st*;
enum cudaMemPoolAttr {
  cudaMemPoolReuseFollowEventDependencies = 1,
  cudaMemPoolReuseAllowOpportunistic = 2,
  cudaMemPoolReuseAllowInternalDependencies = 3,
  cudaMemPoolAttrReleaseThreshold = 4
};
enum cudaMemoryType {
  cudaMemoryTypeUnregistered = 0,
  cudaMemoryTypeHost = 1,
  cudaMemoryTypeDevice = 2,
  cudaMemoryTypeManaged = 3
};
struct cudaPointerAttributes {
  cudaMemoryType type;
  int device;
  void* devicePointer;
  void* hostPointer;
};

namespace shim::detail {

inline bool is_device(int number) {
  return number >= 0 && static_cast<std::size_t>(number) < the_world().devices.size();
}
inline device_facts const& facts_of(int number) {
  return the_world().devices.at(static_cast<std::size_t>(number)).facts;
}

}  // namespace shim::detail

inline cudaError_t cudaGetDeviceCount(int* count) {
  *count = static_cast<int>(shim::the_world().devices.size());
  if (*count > 0 && shim::the_world().driver < shim::the_world().runtime)
    return shim::detail::told(cudaErrorInsufficientDriver);
  return *count > 0 ? cudaSuccess : shim::detail::told(cudaErrorNoDevice);
}
inline cudaError_t cudaSetDevice(int number) {
  if (!shim::detail::is_device(number)) return shim::detail::told(cudaErrorInvalidDevice);
  shim::detail::current_device = number;
  return shim::detail::told(shim::detail::state());
}
inline cudaError_t cudaGetDevice(int* number) {
  *number = shim::detail::current_device;
  return shim::the_world().devices.empty() ? shim::detail::told(cudaErrorNoDevice) : cudaSuccess;
}
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* of, int number) {
  if (!shim::detail::is_device(number)) return shim::detail::told(cudaErrorInvalidDevice);
  auto const& facts = shim::detail::facts_of(number);
  *of = {};
  facts.name.copy(of->name, sizeof(of->name) - 1);
  of->totalGlobalMem = facts.memory_bytes;
  of->sharedMemPerBlock = std::size_t{48} << 10;
  of->sharedMemPerBlockOptin = facts.most_shared_bytes();
  of->sharedMemPerMultiprocessor = facts.most_shared_bytes() + 1024;
  of->major = facts.capability / 10;
  of->minor = facts.capability % 10;
  of->multiProcessorCount = facts.multiprocessors;
  of->l2CacheSize = facts.cache_bytes;
  of->warpSize = 32;
  of->regsPerBlock = of->regsPerMultiprocessor = 65536;
  of->maxThreadsPerBlock = 1024;
  of->maxThreadsPerMultiProcessor = 2048;
  of->maxBlocksPerMultiProcessor = 32;
  of->maxThreadsDim[0] = of->maxThreadsDim[1] = 1024;
  of->maxThreadsDim[2] = 64;
  of->maxGridSize[0] = 2147483647;
  of->maxGridSize[1] = of->maxGridSize[2] = 65535;
  of->memoryPoolsSupported = 1;
  return cudaSuccess;
}
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int number) {
  cudaDeviceProp of;
  if (auto const code = cudaGetDeviceProperties(&of, number); code != cudaSuccess) return code;
  switch (which) {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = of.maxThreadsPerBlock;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = static_cast<int>(of.sharedMemPerBlock);
      break;
    case cudaDevAttrWarpSize:
      *value = of.warpSize;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = of.multiProcessorCount;
      break;
    case cudaDevAttrL2CacheSize:
      *value = of.l2CacheSize;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = of.maxThreadsPerMultiProcessor;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = of.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = of.minor;
      break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = static_cast<int>(of.sharedMemPerMultiprocessor);
      break;
    case cudaDevAttrMaxRegistersPerMultiprocessor:
      *value = of.regsPerMultiprocessor;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(of.sharedMemPerBlockOptin);
      break;
    case cudaDevAttrMemoryPoolsSupported:
      *value = of.memoryPoolsSupported;
      break;
    default:
      return shim::detail::told(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}
inline cudaError_t cudaDriverGetVersion(int* version) {
  *version = shim::the_world().driver;
  return cudaSuccess;
}
inline cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = shim::the_world().runtime;
  return cudaSuccess;
}

inline cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int number) {
  static CUmemPoolHandle_st one;
  if (!shim::detail::is_device(number)) return shim::detail::told(cudaErrorInvalidDevice);
  *pool = &one;
  return cudaSuccess;
}
inline cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr which, void* value) {
  if (which == cudaMemPoolAttrReleaseThreshold) std::memcpy(&pool->release_threshold, value, sizeof(std::uint64_t));
  return cudaSuccess;
}
inline cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, std::size_t) { return cudaSuccess; }

inline cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* of, void const* at) {
  std::scoped_lock const lock(shim::the_world().mutex);
  auto const* const held = shim::detail::allocation_of(at, 1);
  auto* const address = const_cast<void*>(at);
  if (held == nullptr)
    *of = {cudaMemoryTypeUnregistered, -2, nullptr, address};
  else if (held->kind == shim::memory_kind::device)
    *of = {cudaMemoryTypeDevice, held->device, address, nullptr};
  else
    *of = {cudaMemoryTypeHost, held->device, address, address};
  return cudaSuccess;
}
