// Starting kernels: one call that checks what it did.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <source_location>

#include "amq/cuda/check.cuh"

namespace amq::cuda {

/// How many blocks of how many threads, with how many bytes of dynamic shared memory, in the order of which stream.
struct launch_shape {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
};

/// Shared memory that a block may have without asking for more.
inline constexpr std::size_t default_shared_bytes = 48 * 1024;

/// Starts a kernel. Throws cuda_error when it cannot be started, with the place of the call.
template <class... Parameters, class... Arguments>
void launch(launch_shape const& shape, void (*kernel)(Parameters...), Arguments&&... arguments) {
  if (shape.shared_bytes > default_shared_bytes)
    check(cudaFuncSetAttribute(reinterpret_cast<void const*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(shape.shared_bytes)),
          "cudaFuncSetAttribute");
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = shape.stream;
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), "cudaLaunchKernelEx");
}

/// How many pieces of `size` cover `count`.
constexpr unsigned pieces(long long count, long long size) { return static_cast<unsigned>((count + size - 1) / size); }

}  // namespace amq::cuda
