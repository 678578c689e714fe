// From rows of logits to nats: Jensen-Shannon and Kullback-Leibler divergence, cross entropy.
#pragma once

#include <cstdint>

#include <cub/block/block_reduce.cuh>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/device.hpp"
#include "amq/cuda/head/row_summary.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/pack.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// How many threads share a row.
struct losses_tuning {
  static constexpr int threads = 512;
};

/// Sums over one row that two distributions make together.
struct pair_sums {
  double first;
  double second;
};
struct add_pairs {
  __device__ pair_sums operator()(pair_sums const& a, pair_sums const& b) const {
    return {a.first + b.first, a.second + b.second};
  }
};

template <int Threads>
struct losses_shared {
  union {
    typename cub::BlockReduce<row_summary, Threads>::TempStorage summaries;
    typename cub::BlockReduce<pair_sums, Threads>::TempStorage pairs;
  };
  row_summary reference;
  row_summary candidate;
};

/// The summary of a row, in every thread. `result` is shared memory.
template <int Width, int Threads>
__device__ row_summary summarise(float const* row, int vocabulary, losses_shared<Threads>& shared,
                                 row_summary& result) {
  row_summary own;
  for (int i = static_cast<int>(threadIdx.x) * Width; i < vocabulary; i += Threads * Width)
    own.add(pack<float, Width>::load(row + i));
  __syncthreads();  // the storage's last use is over
  auto const all = cub::BlockReduce<row_summary, Threads>(shared.summaries).Reduce(own, join_summaries{});
  if (threadIdx.x == 0) result = all;
  __syncthreads();
  return result;
}

/// Sums of e_p ln M and e_q ln M for M = max((P + Q) / 2, 1e-7), AMQ's clamp.
struct mixture_terms {
  row_summary p, q;
  float half_p, half_q;

  __device__ mixture_terms(row_summary const& of_p, row_summary const& of_q)
      : p(of_p), q(of_q), half_p(static_cast<float>(0.5 / of_p.sum)), half_q(static_cast<float>(0.5 / of_q.sum)) {}

  __device__ void add(float x_p, float x_q, float& first, float& second) const {
    float const e_p = expf(x_p - p.largest), e_q = expf(x_q - q.largest);
    float const log_m = logf(fmaxf(e_p * half_p + e_q * half_q, 1e-7f));
    first += e_p * log_m;
    second += e_q * log_m;
  }
  __device__ double loss(pair_sums const& sums) const {
    return 0.5 * (p.mean_log() - sums.first / p.sum + q.mean_log() - sums.second / q.sum);
  }
};

/// Sum of e_p (q - largest q); a q of minus infinity where e_p is 0 adds nothing.
struct cross_terms {
  row_summary p, q;

  __device__ cross_terms(row_summary const& of_p, row_summary const& of_q) : p(of_p), q(of_q) {}

  __device__ void add(float x_p, float x_q, float& first, float&) const {
    float const e_p = expf(x_p - p.largest);
    first += e_p == 0 ? 0 : e_p * (x_q - q.largest);
  }
  __device__ double loss(pair_sums const& sums) const { return p.mean_log() - sums.first / p.sum + q.log_sum(); }
};

/// A block a row: one pass for each summary, one over both rows for what they make together.
template <class Terms, int Width, class Tuning>
AMQ_CUDA_KERNEL void divergence_kernel(float const* reference, float const* candidate, int vocabulary, double* out) {
  constexpr int threads = Tuning::threads;
  auto& shared = *reinterpret_cast<losses_shared<threads>*>(ptx::dynamic_shared());
  std::int64_t const row = static_cast<std::int64_t>(blockIdx.x) * vocabulary;
  auto const p = summarise<Width>(reference + row, vocabulary, shared, shared.reference);
  auto const q = summarise<Width>(candidate + row, vocabulary, shared, shared.candidate);
  Terms const terms(p, q);
  pair_sums own{0, 0};
  for (int i = static_cast<int>(threadIdx.x) * Width; i < vocabulary; i += threads * Width) {
    auto const x_p = pack<float, Width>::load(reference + row + i), x_q = pack<float, Width>::load(candidate + row + i);
    float first = 0, second = 0;
    for (int w = 0; w < Width; ++w) terms.add(x_p.values[w], x_q.values[w], first, second);
    own.first += first;
    own.second += second;
  }
  __syncthreads();
  auto const all = cub::BlockReduce<pair_sums, threads>(shared.pairs).Reduce(own, add_pairs{});
  if (threadIdx.x == 0) out[blockIdx.x] = terms.loss(all);
}

template <int Width, class Tuning>
AMQ_CUDA_KERNEL void cross_entropy_kernel(float const* logits, std::int32_t const* next, int vocabulary, double* out) {
  auto& shared = *reinterpret_cast<losses_shared<Tuning::threads>*>(ptx::dynamic_shared());
  float const* const row = logits + static_cast<std::int64_t>(blockIdx.x) * vocabulary;
  auto const q = summarise<Width>(row, vocabulary, shared, shared.candidate);
  if (threadIdx.x == 0)
    out[blockIdx.x] = q.log_sum() + (static_cast<double>(q.largest) - static_cast<double>(row[next[blockIdx.x]]));
}

template <int Width, class Tuning>
void start_losses(device_loss loss, float const* reference, float const* candidate, std::int32_t const* next, int rows,
                  int vocabulary, double* out, cudaStream_t on) {
  launch_shape const shape{dim3(static_cast<unsigned>(rows)), dim3(Tuning::threads),
                           sizeof(losses_shared<Tuning::threads>), on};
  switch (loss) {
    case device_loss::jsd:
      return launch(shape, divergence_kernel<mixture_terms, Width, Tuning>, reference, candidate, vocabulary, out);
    case device_loss::kl:
      return launch(shape, divergence_kernel<cross_terms, Width, Tuning>, reference, candidate, vocabulary, out);
    case device_loss::cross_entropy:
      return launch(shape, cross_entropy_kernel<Width, Tuning>, candidate, next, vocabulary, out);
  }
}

/// out (rows) = nats of each position, from the logits (rows, vocabulary) of the reference P and the candidate Q, all
/// on the device:
/// - jsd: (sum P (ln P - ln M) + sum Q (ln Q - ln M)) / 2 for M = max((P + Q) / 2, 1e-7), as AMQ defines it (arXiv
///   2509.12019, its utils/loss.py);
/// - kl: sum P (ln P - ln Q), infinite where Q is 0 and P is not;
/// - cross_entropy: -ln Q(next), `next` (rows) in range; the reference may be null, as `next` may for the others.
/// Within 2e-6 of the exact values for up to 150,000 logits; minus infinity is a probability of 0, NaN in gives NaN
/// out. Reads each row twice (cross entropy: once). A row's bits depend on nothing else. Asynchronous; throws
/// cuda_error, and precondition_error where operands are missing.
template <class Tuning = losses_tuning>
void position_losses(device_loss loss, float const* reference, float const* candidate, std::int32_t const* next,
                     int rows, int vocabulary, double* out, cudaStream_t on) {
  AMQ_EXPECTS(rows >= 0 && vocabulary >= 1, "losses take rows of at least one logit, and no fewer than 0 of them");
  AMQ_EXPECTS(loss == device_loss::cross_entropy ? next != nullptr : reference != nullptr,
              "a divergence needs the reference's logits, and cross entropy the tokens that follow");
  if (rows == 0) return;
  if (rows_in_fours(vocabulary, reference, candidate))
    start_losses<4, Tuning>(loss, reference, candidate, next, rows, vocabulary, out, on);
  else
    start_losses<1, Tuning>(loss, reference, candidate, next, rows, vocabulary, out, on);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
