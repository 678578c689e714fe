// Whether a pointer that a caller hands over is what a kernel may read: memory of the current device, aligned.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "amq/core/error.hpp"
#include "amq/cuda/check.cuh"

namespace amq::cuda {

/// Throws precondition_error unless `pointer`, called `name` in the message, is memory of the current device, aligned
/// to so many bytes: a kernel that reads anything else spoils the whole process. Some tenths of a microsecond.
inline void expect_on_device(void const* pointer, std::size_t alignment, char const* name) {
  AMQ_EXPECTS(
      pointer != nullptr && reinterpret_cast<std::uintptr_t>(pointer) % alignment == 0,
      std::string(name) + " has to be memory of the device, aligned to " + std::to_string(alignment) + " bytes");
  cudaPointerAttributes of{};
  check(cudaPointerGetAttributes(&of, pointer), "cudaPointerGetAttributes");
  AMQ_EXPECTS(of.type == cudaMemoryTypeDevice || of.type == cudaMemoryTypeManaged,
              std::string(name) + " lies in the host's memory; copy it to the device first");
  int current = 0;
  check(cudaGetDevice(&current), "cudaGetDevice");
  AMQ_EXPECTS(of.type == cudaMemoryTypeManaged || of.device == current,
              std::string(name) + " lies on device " + std::to_string(of.device) + " and device " +
                  std::to_string(current) + " is the current one");
}

}  // namespace amq::cuda
