// A row of logits as a distribution, gathered in one pass: what a thread has seen, and how two such are joined.
#pragma once

#include <cstdint>
#include <limits>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/pack.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

inline constexpr float no_logit = -std::numeric_limits<float>::infinity();

/// Of some logits x: the largest, the sum of e^(x - largest), and the sum of that times x - largest. Few numbers are
/// added in f32, the rest in f64.
struct row_summary {
  float largest = no_logit;
  double sum = 0;
  double weighted = 0;

  /// The same sums for a new largest logit, which is no less than the old one.
  __device__ void raise(float new_largest) {
    if (new_largest == largest) return;
    if (largest != no_logit) {
      float const factor = expf(largest - new_largest);
      weighted = factor * (weighted + (static_cast<double>(largest) - new_largest) * sum);
      sum *= factor;
    }
    largest = new_largest;
  }

  template <int Width>
  __device__ void add(pack<float, Width> const& x) {
    float most = largest;
    for (int w = 0; w < Width; ++w) most = fmaxf(most, x.values[w]);
    raise(most);
    float const shift = most == no_logit ? 0 : most;
    float e_sum = 0, e_weighted = 0;
    for (int w = 0; w < Width; ++w) {
      // Below -200 the exponential is 0; the bound keeps 0 times infinity out of the sum.
      float const d = fmaxf(-200, x.values[w] - shift), e = expf(x.values[w] - shift);
      e_sum += e;
      e_weighted += e * d;
    }
    sum += e_sum;
    weighted += e_weighted;
  }

  /// ln sum e^x, less the largest.
  __device__ double log_sum() const { return log(sum); }
  /// sum P ln P, the negative entropy.
  __device__ double mean_log() const { return weighted / sum - log(sum); }
};

struct join_summaries {
  __device__ row_summary operator()(row_summary a, row_summary b) const {
    float const most = fmaxf(a.largest, b.largest);
    a.raise(most);
    b.raise(most);
    return {most, a.sum + b.sum, a.weighted + b.weighted};
  }
};

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
