// The logarithm of the sum of each row's exponentials: what turns logits into log probabilities.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cub/block/block_reduce.cuh>
#include <string>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
namespace sampling {

/// Of some logits: the largest and the sum of e^(logit - largest).
struct exponential_sum {
  float largest;
  float sum;
};

struct add_exponential_sums {
  __device__ static float relative_to(float largest, exponential_sum of) {
    return of.largest == largest ? of.sum : of.sum * expf(of.largest - largest);
  }
  __device__ exponential_sum operator()(exponential_sum a, exponential_sum b) const {
    float const largest = fmaxf(a.largest, b.largest);
    return {largest, relative_to(largest, a) + relative_to(largest, b)};
  }
};

template <int Threads>
struct log_sums_shared {
  typename cub::BlockReduce<exponential_sum, Threads>::TempStorage reduce;
};

/// A block a row.
template <int Threads>
AMQ_CUDA_KERNEL void log_sums_kernel(float const* logits, int vocabulary, float* out) {
  auto& shared = *reinterpret_cast<log_sums_shared<Threads>*>(ptx::dynamic_shared());
  float const* const row = logits + static_cast<long long>(blockIdx.x) * vocabulary;
  exponential_sum own{-INFINITY, 0};
  for (int i = static_cast<int>(threadIdx.x); i < vocabulary; i += Threads) {
    float const x = row[i];
    // An infinite or missing number on its own counts as itself: the sum then is not a number.
    own = add_exponential_sums{}(own, {x, x == -INFINITY ? 0.0f : 1 + x * 0});
  }
  auto const all = cub::BlockReduce<exponential_sum, Threads>(shared.reduce).Reduce(own, add_exponential_sums{});
  if (threadIdx.x == 0) out[blockIdx.x] = all.largest + logf(all.sum);
}

}  // namespace sampling

/// out[r] = ln of the sum of e^logit over row r of `logits` (rows, vocabulary), all on the device. NaN where a logit is
/// NaN or infinite, -infinity where all are -infinity. Reads the logits once; sums in an order that only the shape
/// sets. Asynchronous. Throws precondition_error for an empty shape.
inline void log_sums(float const* logits, int rows, int vocabulary, float* out, cudaStream_t on) {
  constexpr int threads = 512;
  AMQ_EXPECTS(rows > 0 && vocabulary > 0, "log_sums needs at least one row and one logit, not " + std::to_string(rows) +
                                              " rows of " + std::to_string(vocabulary));
  launch({static_cast<unsigned>(rows), threads, sizeof(sampling::log_sums_shared<threads>), on},
         sampling::log_sums_kernel<threads>, logits, vocabulary, out);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
