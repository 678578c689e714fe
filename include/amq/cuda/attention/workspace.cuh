// Attention of few queries to many keys: each part of the keys gives a share of the output, and the shares are joined.
#pragma once

#include <cstddef>
#include <cstdint>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/attention/problem.cuh"
#include "amq/cuda/attention/tuning.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/number.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Where the shares lie: of each query, `shares` times `size` outputs, and `shares` pairs of numbers about them.
struct attention_shares {
  float* outputs;  ///< sums of weights times values
  float2* totals;  ///< the power of two that the weights are divided by, and their sum
  int shares;

  /// The place of a share of query head `head` of row `row` of sequence `sequence`.
  __device__ std::int64_t at(head_shape const& shape, int most_rows, int sequence, int row, int head, int share) const {
    std::int64_t const query = (static_cast<std::int64_t>(sequence) * most_rows + row) * shape.heads + head;
    return query * shares + share;
  }
};

/// Device memory for the shares; grows as it is needed. Passes that use it are in the order of one stream. Move-only.
class attention_workspace {
 public:
  /// Room for passes of this shape from now on; call it before such a pass is recorded into a graph.
  template <class Tuning = attention_tuning, class Number>
  void reserve(head_shape const& shape, sequence_batch<Number> const& batch, cudaStream_t on) {
    auto const needed = floats<Tuning>(shape, batch);
    if (needed > 0) memory_.reserve(needed, on);
  }

  /// Where it lies now; another place once it has grown.
  void const* place() const { return memory_.data(); }

  template <class Tuning, class Number>
  attention_shares shares(head_shape const& shape, sequence_batch<Number> const& batch) const {
    int const each = shares_of<typename Tuning::few_rows>(batch.most_keys);
    AMQ_EXPECTS(memory_.size() >= floats<Tuning>(shape, batch), "attention's workspace was not reserved for this pass");
    auto const totals = queries(shape, batch) * static_cast<std::size_t>(each);
    return {memory_.data() + 2 * totals, reinterpret_cast<float2*>(memory_.data()), each};
  }

  /// Most shares of a sequence of at most `keys` keys: parts grow before there are more than most_splits of them.
  template <class Tuning>
  static constexpr int shares_of(int keys) {
    int const parts = (keys + Tuning::tile_keys - 1 + Tuning::least_split - 1) / Tuning::least_split;
    return (parts < Tuning::most_splits ? parts : Tuning::most_splits) * Tuning::key_warps;
  }

 private:
  template <class Number>
  static std::size_t queries(head_shape const& shape, sequence_batch<Number> const& batch) {
    return static_cast<std::size_t>(batch.count) * static_cast<std::size_t>(batch.most_rows) *
           static_cast<std::size_t>(shape.heads);
  }

  /// 0 where the pass has too many rows for shares.
  template <class Tuning, class Number>
  static std::size_t floats(head_shape const& shape, sequence_batch<Number> const& batch) {
    if (batch.most_rows * shape.group() > Tuning::few) return 0;
    auto const each = static_cast<std::size_t>(shares_of<typename Tuning::few_rows>(batch.most_keys));
    return queries(shape, batch) * each * (static_cast<std::size_t>(shape.size) + 2);
  }

  device_buffer<float> memory_;
};

/// A block a query; a thread some elements of its head. Shares are added in their order.
template <class Number, class Tuning>
AMQ_CUDA_KERNEL void join_shares_kernel(attention_problem<Number> const p, attention_shares const from) {
  auto const sequence = p.batch.sequences[blockIdx.z];
  int const row = static_cast<int>(blockIdx.x), head = static_cast<int>(blockIdx.y);
  if (row >= sequence.rows) return;
  int const shares = splits_of<Tuning>(p, sequence).count() * Tuning::key_warps;
  std::int64_t const first = from.at(p.shape, p.batch.most_rows, static_cast<int>(blockIdx.z), row, head, 0);
  float most = unseen, sum = 0;
  for (int s = 0; s < shares; ++s) most = fmaxf(most, from.totals[first + s].x);
  for (int s = 0; s < shares; ++s) sum += exp2f(from.totals[first + s].x - most) * from.totals[first + s].y;
  Number* const out =
      p.out + (static_cast<std::int64_t>(sequence.first_row + row) * p.shape.heads + head) * p.shape.size;
  for (int i = static_cast<int>(threadIdx.x); i < p.shape.size; i += static_cast<int>(blockDim.x)) {
    float element = 0;
    for (int s = 0; s < shares; ++s)
      element += exp2f(from.totals[first + s].x - most) * from.outputs[(first + s) * p.shape.size + i];
    out[i] = from_f32<Number>(element / sum);
  }
}

template <class Number, class Tuning>
void join_shares(attention_problem<Number> const& p, attention_shares const& from, cudaStream_t on) {
  dim3 const grid(static_cast<unsigned>(p.batch.most_rows), static_cast<unsigned>(p.shape.heads),
                  static_cast<unsigned>(p.batch.count));
  launch({grid, dim3(static_cast<unsigned>(p.shape.size)), 0, on}, join_shares_kernel<Number, Tuning>, p, from);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
