// What all ways to attend have in common: the operands, the rows of a tile, the keys that rows see.
#pragma once

#include <cstdint>
#include <limits>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/attention/sequences.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// The score of a key that a query does not see.
inline constexpr float unseen = -std::numeric_limits<float>::infinity();

/// Operands of one block's attention.
template <class Number>
struct attention_problem {
  head_shape shape;
  int window;  ///< keys that a query sees, its own included; 0: all before it
  sequence_batch<Number> batch;
  Number const* queries;  ///< (rows, heads * size)
  Number* out;            ///< (rows, heads * size)
};

/// Keys [begin, end).
struct key_range {
  int begin;
  int end;
};

/// What the queries at the positions first to last see together; `begin` is rounded down to a multiple of `tile`, so
/// that a key's place in its tile depends on nothing else.
__host__ __device__ constexpr key_range visible_keys(int first, int last, int window, int tile) {
  int const begin = window > 0 && first - window + 1 > 0 ? first - window + 1 : 0;
  return {begin / tile * tile, last + 1};
}

/// How a sequence's keys are cut into parts, from their number alone.
template <class Tuning>
struct key_splits {
  key_range all;
  int part;

  __host__ __device__ constexpr explicit key_splits(key_range keys) : all(keys) {
    int const even = (keys.end - keys.begin + Tuning::most_splits - 1) / Tuning::most_splits;
    int const whole = (even + Tuning::tile_keys - 1) / Tuning::tile_keys * Tuning::tile_keys;
    part = whole < Tuning::least_split ? Tuning::least_split : whole;
  }
  __host__ __device__ constexpr int count() const { return (all.end - all.begin + part - 1) / part; }
  __host__ __device__ constexpr key_range operator[](int i) const {
    int const begin = all.begin + i * part, end = begin + part;
    return {begin, end < all.end ? end : all.end};
  }
};

template <class Tuning, class Number>
__device__ key_splits<Tuning> splits_of(attention_problem<Number> const& p, sequence_rows<Number> const& sequence) {
  int const last = sequence.past + sequence.rows - 1;
  return key_splits<Tuning>(visible_keys(sequence.past, last, p.window, Tuning::tile_keys));
}

/// Heads that share keys are attended together: query i of a sequence is head i % group of row i / group.
struct shared_queries {
  int past;
  int group;
  int count;

  /// Position of query i; of the last one where i is beyond it.
  __device__ int position(int i) const { return past + (i < count ? i : count - 1) / group; }
};

/// Offset of query i of the heads that share `kv_head`, in queries and outputs.
__device__ inline std::int64_t query_offset(head_shape const& shape, int first_row, int kv_head, int i) {
  int const group = shape.group();
  std::int64_t const row = first_row + i / group;
  return (row * shape.heads + kv_head * group + i % group) * shape.size;
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
