// What a device says of itself; `cuda::open_device` would bring every kernel into whoever asks.
#pragma once

#include <cuda_runtime.h>

#include <string>

#include "amq/cuda/check.cuh"
#include "amq/cuda/device.hpp"

namespace amq::bench {

inline cuda::device_facts facts_of_device(int number) {
  cudaDeviceProp properties{};
  cuda::check(cudaGetDeviceProperties(&properties, number), "cudaGetDeviceProperties");
  int driver = 0, runtime = 0;
  cuda::check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  cuda::check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  auto const text = [](int version) {
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
  };
  return {.number = number,
          .name = properties.name,
          .capability = 10 * properties.major + properties.minor,
          .multiprocessors = properties.multiProcessorCount,
          .memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem),
          .cache_bytes = properties.l2CacheSize,
          .driver = text(driver),
          .runtime = text(runtime)};
}

}  // namespace amq::bench
