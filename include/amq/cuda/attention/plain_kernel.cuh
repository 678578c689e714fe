// Attention in f32 without tensor cores, for heads of any size up to 256.
#pragma once

#include <cmath>
#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/attention/problem.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/number.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

inline constexpr int largest_head = 256;

/// A block's queries, and the keys and values that pass by, of heads of at most `Most` elements.
template <int Most>
struct plain_attention_shared {
  static constexpr int warps = 4, warp_queries = 4, queries_a_block = warps * warp_queries, tile_keys = 32;
  float queries[queries_a_block][Most];
  float keys[tile_keys][Most + 1];  // lanes read one element of 32 keys: each from a bank of its own
  float values[tile_keys][Most];
};

/// Some rows of a head, from `from` on, as f32.
template <class Number, class Row>
__device__ void copy_rows(Number const* from, int rows, int size, Row* to) {
  for (int i = static_cast<int>(threadIdx.x); i < rows * size; i += static_cast<int>(blockDim.x))
    to[i / size][i % size] = to_f32(from[i]);
}

/// One query of a warp: a lane scores one key of each tile, and gathers every 32nd element of the output.
template <int Most>
struct plain_query {
  float largest = unseen;
  float sum = 0;
  float elements[Most / 32] = {};

  /// `score` is the lane's, minus infinity where its key is not seen.
  __device__ void add(float score, float factor, float const (*values)[Most], int size, int lane) {
    float most = fmaxf(largest, score);
    for (int step = 16; step > 0; step /= 2) most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, step));
    if (most == unseen) return;
    float const correction = exp2f((largest - most) * factor), weight = exp2f((score - most) * factor);
    largest = most;
    sum = sum * correction + weight;
#pragma unroll
    for (int c = 0; c < Most / 32; ++c) elements[c] *= correction;
    for (int key = 0; key < 32; ++key) {
      float const of_key = __shfl_sync(0xffffffffu, weight, key);
#pragma unroll
      for (int c = 0; c < Most / 32; ++c)
        if (lane + 32 * c < size) elements[c] += of_key * values[key][lane + 32 * c];
    }
  }

  template <class Number>
  __device__ void finish(Number* out, int size, int lane) {
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
#pragma unroll
    for (int c = 0; c < Most / 32; ++c)
      if (lane + 32 * c < size) out[lane + 32 * c] = from_f32<Number>(elements[c] / sum);
  }
};

/// The grid: tiles of queries, heads of keys, sequences.
template <class Number, int Most>
AMQ_CUDA_KERNEL void plain_attention_kernel(attention_problem<Number> const p, float const factor) {
  using shared_memory = plain_attention_shared<Most>;
  auto& shared = *reinterpret_cast<shared_memory*>(ptx::dynamic_shared());
  constexpr int tile = shared_memory::tile_keys, own = shared_memory::warp_queries;
  auto const sequence = p.batch.sequences[blockIdx.z];
  int const size = p.shape.size, kv_head = static_cast<int>(blockIdx.y);
  int const lane = static_cast<int>(threadIdx.x % 32), warp_first = static_cast<int>(threadIdx.x / 32) * own;
  int const first = static_cast<int>(gridDim.x - 1 - blockIdx.x) * shared_memory::queries_a_block;
  shared_queries const all{sequence.past, p.shape.group(), sequence.rows * p.shape.group()};
  if (first >= all.count) return;
  int const count =
      all.count - first < shared_memory::queries_a_block ? all.count - first : shared_memory::queries_a_block;
  for (int i = 0; i < count; ++i)
    copy_rows(p.queries + query_offset(p.shape, sequence.first_row, kv_head, first + i), 1, size, shared.queries + i);

  std::int64_t const head = static_cast<std::int64_t>(p.batch.kv_heads_before + kv_head) * sequence.capacity * size;
  auto const range = visible_keys(all.position(first), all.position(first + count - 1), p.window, tile);
  plain_query<Most> queries[own];
  for (int begin = range.begin; begin < range.end; begin += tile) {
    int const keys = range.end - begin < tile ? range.end - begin : tile;
    std::int64_t const from = head + static_cast<std::int64_t>(begin) * size;
    copy_rows(sequence.keys + from, keys, size, shared.keys);
    copy_rows(sequence.values + from, keys, size, shared.values);
    for (int i = keys * size + static_cast<int>(threadIdx.x); i < tile * size; i += static_cast<int>(blockDim.x))
      shared.values[i / size][i % size] = 0;  // weights of 0 are multiplied with these
    __syncthreads();
    float scores[own] = {};
    for (int d = 0; d < size; ++d)
#pragma unroll
      for (int q = 0; q < own; ++q) scores[q] += shared.queries[warp_first + q][d] * shared.keys[lane][d];
#pragma unroll
    for (int q = 0; q < own; ++q) {
      int const position = all.position(first + warp_first + q), key = begin + lane;
      bool const seen = key <= position && (p.window == 0 || key > position - p.window);
      queries[q].add(seen ? scores[q] : unseen, factor, shared.values, size, lane);
    }
    __syncthreads();
  }
#pragma unroll
  for (int q = 0; q < own; ++q)
    if (warp_first + q < count)
      queries[q].finish(p.out + query_offset(p.shape, sequence.first_row, kv_head, first + warp_first + q), size, lane);
}

/// Starts it. The size of the heads is even and at most 256.
template <class Number, int Most>
void plain_attention(attention_problem<Number> const& p, cudaStream_t on) {
  using shared_memory = plain_attention_shared<Most>;
  dim3 const grid(pieces(static_cast<long long>(p.batch.most_rows) * p.shape.group(), shared_memory::queries_a_block),
                  static_cast<unsigned>(p.shape.kv_heads), static_cast<unsigned>(p.batch.count));
  float const factor = static_cast<float>(1.4426950408889634 / std::sqrt(static_cast<double>(p.shape.size)));
  launch({grid, dim3(32 * shared_memory::warps), sizeof(shared_memory), on}, plain_attention_kernel<Number, Most>, p,
         factor);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
