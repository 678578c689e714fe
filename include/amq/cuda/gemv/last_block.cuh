// Which of the blocks that share a result comes last, and so adds up what all of them found.
#pragma once

#include <cuda_runtime.h>

#include "amq/cuda/abi.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
namespace kernels {

/// Whether this block is the last of `expected` that count on `counter`, which it then sets back to 0. It sees what
/// the others wrote before they counted. Called by all threads; `shared` is the block's.
__device__ inline bool came_last(unsigned* counter, unsigned expected, unsigned& shared) {
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    shared = atomicAdd(counter, 1u);
    if (shared + 1 == expected) *counter = 0;
  }
  __syncthreads();
  bool const last = shared + 1 == expected;
  if (last) __threadfence();
  return last;
}

}  // namespace kernels
}  // namespace amq::cuda::inline AMQ_CUDA_ABI
