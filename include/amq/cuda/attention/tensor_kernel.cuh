// Attention on tensor cores: queries stay in registers, keys and values pass through shared memory in two stages.
#pragma once

#include <cmath>
#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/attention/online_softmax.cuh"
#include "amq/cuda/attention/problem.cuh"
#include "amq/cuda/attention/workspace.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/pack.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

template <class Number, int Size, class Tuning>
struct key_stages {
  Number keys[2][Tuning::tile_keys][Size + padding_numbers];
  Number values[2][Tuning::tile_keys][Size + padding_numbers];
};

/// Starts copying the keys [first, first + tile_keys) and their values; zeros from `end` on.
template <class Number, int Size, class Tuning>
__device__ void copy_keys(key_stages<Number, Size, Tuning>& shared, int stage, Number const* keys, Number const* values,
                          int first, int end) {
  constexpr int threads = 32 * Tuning::row_warps * Tuning::key_warps, tile = Tuning::tile_keys;
  constexpr int chunk = 8, chunks = Size / chunk, rows = threads / chunks;  // a thread's column stays the same
  int const row = static_cast<int>(threadIdx.x) / chunks, column = static_cast<int>(threadIdx.x) % chunks * chunk;
  std::int64_t const from = static_cast<std::int64_t>(first + row) * Size + column;
#pragma unroll
  for (int step = 0; step < (tile + rows - 1) / rows; ++step) {
    int const key = row + step * rows;
    if ((threads % chunks != 0 && row >= rows) || (tile % rows != 0 && key >= tile)) continue;
    ptx::copy_async_16(&shared.keys[stage][key][column], keys + from + step * rows * Size, first + key < end);
    ptx::copy_async_16(&shared.values[stage][key][column], values + from + step * rows * Size, first + key < end);
  }
  ptx::commit_copies();
}

/// A warp's 16 queries, what they have gathered from the keys of the warp, and which keys they see.
template <class Number, int Size, class Tuning>
struct attending_warp {
  static constexpr int warp_keys = Tuning::tile_keys / Tuning::key_warps;
  static_assert(warp_keys % 16 == 0 && Size % 16 == 0, "tensor cores take 16 keys and 16 elements at once");

  int lane;
  int first;         ///< query
  int positions[2];  ///< of the lane's two rows
  int earliest;      ///< position of any row
  int latest;
  std::uint32_t fragments[Size / 16][4];
  float outputs[Size / 8][4];
  softmax_state softmax;

  __device__ int query(int h) const { return first + lane / 4 + 8 * h; }

  __device__ void begin(attention_problem<Number> const& p, shared_queries const& all, int first_row, int kv_head) {
    earliest = all.position(first);
    latest = all.position(first + 15);
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      positions[h] = all.position(query(h));
      int const last = all.count - 1, from = query(h) < last ? query(h) : last;
      Number const* const row = p.queries + query_offset(p.shape, first_row, kv_head, from) + lane % 4 * 2;
#pragma unroll
      for (int k = 0; k < Size / 16; ++k) {
        fragments[k][h] = *reinterpret_cast<std::uint32_t const*>(row + 16 * k);
        fragments[k][h + 2] = *reinterpret_cast<std::uint32_t const*>(row + 16 * k + 8);
      }
    }
#pragma unroll
    for (int n = 0; n < Size / 8; ++n) outputs[n][0] = outputs[n][1] = outputs[n][2] = outputs[n][3] = 0;
  }

  /// Keys of the warp in one tile, `key` the first of them.
  __device__ void attend(Number const (*keys)[Size + padding_numbers], Number const (*values)[Size + padding_numbers],
                         int key, int window, float factor) {
    if (key > latest || (window > 0 && key + warp_keys <= earliest - window + 1)) return;
    float scores[warp_keys / 8][4];
    score_keys<Number, Size, warp_keys>(fragments, keys, scores, lane);
    bool const all_seen = key + warp_keys - 1 <= earliest && (window == 0 || key > latest - window);
    if (!all_seen) hide_keys<warp_keys>(scores, key, positions, window, lane);
    softmax.weigh(scores, outputs, factor);
    add_values<Number, Size, warp_keys>(scores, values, outputs, lane);
  }

  /// Writes outputs divided by the sums of their weights.
  __device__ void finish(attention_problem<Number> const& p, shared_queries const& all, int first_row, int kv_head) {
    float const sums[2] = {softmax.sum(0), softmax.sum(1)};
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      if (query(h) >= all.count) continue;
      float const inverse = 1 / sums[h];
      Number* const row = p.out + query_offset(p.shape, first_row, kv_head, query(h)) + lane % 4 * 2;
#pragma unroll
      for (int n = 0; n < Size / 8; ++n)
        *reinterpret_cast<std::uint32_t*>(row + 8 * n) =
            ptx::pair<Number>(outputs[n][2 * h] * inverse, outputs[n][2 * h + 1] * inverse);
    }
  }

  /// Writes them undivided, as share number `share`.
  __device__ void finish_share(attention_problem<Number> const& p, attention_shares const& shares, int count,
                               int kv_head, int share, float factor) {
    float const sums[2] = {softmax.sum(0), softmax.sum(1)};
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      if (query(h) >= count) continue;
      int const group = p.shape.group();
      std::int64_t const at = shares.at(p.shape, p.batch.most_rows, static_cast<int>(blockIdx.z), query(h) / group,
                                        kv_head * group + query(h) % group, share);
      if (lane % 4 == 0) shares.totals[at] = make_float2(softmax.largest[h] * factor, sums[h]);
      float* const row = shares.outputs + at * Size + lane % 4 * 2;
#pragma unroll
      for (int n = 0; n < Size / 8; ++n)
        *reinterpret_cast<float2*>(row + 8 * n) = make_float2(outputs[n][2 * h], outputs[n][2 * h + 1]);
    }
  }
};

/// The grid: tiles of queries (times parts of the keys), heads of keys, sequences.
template <class Number, int Size, class Tuning>
AMQ_CUDA_KERNEL __launch_bounds__(32 * Tuning::row_warps * Tuning::key_warps) void tensor_attention_kernel(
    attention_problem<Number> const p, attention_shares const shares, int const most_splits, float const factor) {
  auto& shared = *reinterpret_cast<key_stages<Number, Size, Tuning>*>(ptx::dynamic_shared());
  auto const sequence = p.batch.sequences[blockIdx.z];
  int const kv_head = static_cast<int>(blockIdx.y), warp = static_cast<int>(threadIdx.x / 32);
  // The last queries see the most keys: they begin first.
  int const item = static_cast<int>(gridDim.x - 1 - blockIdx.x), split = item % most_splits;
  int const first = item / most_splits * 16 * Tuning::row_warps;
  shared_queries const all{sequence.past, p.shape.group(), sequence.rows * p.shape.group()};
  if (first >= all.count) return;
  key_range range =
      visible_keys(all.position(first), all.position(first + 16 * Tuning::row_warps - 1), p.window, Tuning::tile_keys);
  if constexpr (Tuning::splits) {
    auto const splits = splits_of<Tuning>(p, sequence);
    if (split >= splits.count()) return;
    range = splits[split];
  }

  attending_warp<Number, Size, Tuning> rows;
  rows.lane = static_cast<int>(threadIdx.x % 32);
  rows.first = first + warp / Tuning::key_warps * 16;
  rows.begin(p, all, sequence.first_row, kv_head);
  int const own_keys = warp % Tuning::key_warps * rows.warp_keys;
  std::int64_t const head = static_cast<std::int64_t>(p.batch.kv_heads_before + kv_head) * sequence.capacity * Size;
  Number const *const keys = sequence.keys + head, *const values = sequence.values + head;
  copy_keys(shared, 0, keys, values, range.begin, range.end);
  for (int key = range.begin, stage = 0; key < range.end; key += Tuning::tile_keys, stage ^= 1) {
    ptx::wait_copies<0>();
    __syncthreads();  // all have copied this tile, and none still reads the one before it
    int const next = key + Tuning::tile_keys;
    if (next < range.end) copy_keys(shared, stage ^ 1, keys, values, next, range.end);
    rows.attend(shared.keys[stage] + own_keys, shared.values[stage] + own_keys, key + own_keys, p.window, factor);
  }

  if constexpr (Tuning::splits)
    rows.finish_share(p, shares, all.count, kv_head, split * Tuning::key_warps + warp % Tuning::key_warps, factor);
  else
    rows.finish(p, all, sequence.first_row, kv_head);
}

/// Starts it for one size of heads and one tuning.
template <class Number, int Size, class Tuning>
void tensor_attention(attention_problem<Number> const& p, attention_shares const& shares, cudaStream_t on) {
  int const splits = Tuning::splits ? shares.shares / Tuning::key_warps : 1;
  auto const tiles = pieces(static_cast<long long>(p.batch.most_rows) * p.shape.group(), 16 * Tuning::row_warps);
  dim3 const grid(tiles * static_cast<unsigned>(splits), static_cast<unsigned>(p.shape.kv_heads),
                  static_cast<unsigned>(p.batch.count));
  float const factor = static_cast<float>(1.4426950408889634 / std::sqrt(static_cast<double>(Size)));
  launch({grid, dim3(32 * Tuning::row_warps * Tuning::key_warps), sizeof(key_stages<Number, Size, Tuning>), on},
         tensor_attention_kernel<Number, Size, Tuning>, p, shares, splits, factor);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
