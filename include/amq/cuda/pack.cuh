// A few numbers next to each other that are loaded and stored by one instruction.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "amq/cuda/abi.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// `Width` numbers of type T at an address that is a multiple of their size together.
template <class T, int Width>
struct alignas(sizeof(T) * Width) pack {
  T values[Width];

  __device__ static pack load(T const* from) { return *reinterpret_cast<pack const*>(from); }
  __device__ void store(T* to) const { *reinterpret_cast<pack*>(to) = *this; }
};

/// Four numbers a thread where rows of `cols` of them, all beginning at the pointers given, allow it; otherwise one.
template <class... T>
bool rows_in_fours(int cols, T const*... rows) {
  return cols % 4 == 0 && ((reinterpret_cast<std::uintptr_t>(rows) % (4 * sizeof(T)) == 0) && ...);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
