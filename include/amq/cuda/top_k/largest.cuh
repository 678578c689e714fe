// The largest logits of each row with their tokens: few of them by sorting tiles in a block, many by sorting whole
// rows.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cub/block/block_radix_sort.cuh>
#include <cub/device/device_segmented_radix_sort.cuh>
#include <limits>
#include <string>
#include <utility>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Memory of `top_k`, kept from call to call. Grows on demand; belongs to the stream that it is first used with.
struct top_k_workspace {
  device_buffer<float> values[2];
  device_buffer<std::int32_t> tokens[2];
  device_buffer<std::int32_t> starts;
  device_buffer<std::byte> sorting;
};

namespace sampling {

inline constexpr int tile_threads = 256;
inline constexpr int tile_items = 16;
inline constexpr int tile_logits = tile_threads * tile_items;
/// From here on rows are sorted whole: each round over tiles must leave clearly less than it reads.
inline constexpr int most_of_tile = tile_logits / 4;

using tile_sort = cub::BlockRadixSort<float, tile_threads, tile_items, std::int32_t>;

struct tile_shared {
  typename tile_sort::TempStorage sort;
};

/// Some logits of each row, with their tokens; without tokens they are the whole row in order.
struct candidates {
  float const* values;
  std::int32_t const* tokens;
  int count;  ///< a row
};

/// A block sorts one tile of one row and keeps its k largest, in order: equal ones stay as they lie, which is by token.
/// What lies beyond the row is as small as can be and comes last.
template <class Token>
AMQ_CUDA_KERNEL void largest_of_tiles_kernel(candidates from, int k, float* values, Token* tokens) {
  auto& shared = *reinterpret_cast<tile_shared*>(ptx::dynamic_shared());
  int const thread = static_cast<int>(threadIdx.x);
  int const first = static_cast<int>(blockIdx.y) * tile_logits + thread * tile_items;
  long long const row = static_cast<long long>(blockIdx.x) * from.count;
  float keys[tile_items];
  Token ids[tile_items];
#pragma unroll
  for (int i = 0; i < tile_items; ++i) {
    int const at = first + i;
    bool const inside = at < from.count;
    keys[i] = inside ? from.values[row + at] : -INFINITY;
    ids[i] = inside && from.tokens != nullptr ? from.tokens[row + at] : at;
  }
  tile_sort(shared.sort).SortDescendingBlockedToStriped(keys, ids);
  long long const out = (static_cast<long long>(blockIdx.x) * gridDim.y + blockIdx.y) * k;
#pragma unroll
  for (int i = 0; i < tile_items; ++i) {
    int const rank = i * tile_threads + thread;
    if (rank >= k) continue;
    values[out + rank] = keys[i];
    tokens[out + rank] = ids[i];
  }
}

/// Rounds over tiles until one tile a row is left.
inline void largest_by_tiles(candidates from, int rows, int k, float* values, std::int32_t* tokens,
                             top_k_workspace& work, cudaStream_t on) {
  for (int side = 0;; side = 1 - side) {
    auto const tiles = static_cast<int>(pieces(from.count, tile_logits));
    bool const last = tiles == 1;
    if (!last) {
      auto const kept = static_cast<std::size_t>(rows) * static_cast<std::size_t>(tiles) * static_cast<std::size_t>(k);
      work.values[side].reserve(kept, on);
      work.tokens[side].reserve(kept, on);
    }
    float* const to_values = last ? values : work.values[side].data();
    std::int32_t* const to_tokens = last ? tokens : work.tokens[side].data();
    launch({dim3(static_cast<unsigned>(rows), static_cast<unsigned>(tiles)), tile_threads, sizeof(tile_shared), on},
           largest_of_tiles_kernel<std::int32_t>, from, k, to_values, to_tokens);
    if (last) return;
    from = {to_values, to_tokens, tiles * k};
  }
}

/// starts[r] = r * vocabulary for the rows and the end, tokens (rows, vocabulary) = 0, 1, ...
template <class Token>
AMQ_CUDA_KERNEL void number_tokens_kernel(int rows, int vocabulary, Token* starts, Token* tokens) {
  long long const at = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at <= rows) starts[at] = static_cast<Token>(at * vocabulary);
  if (at < static_cast<long long>(rows) * vocabulary) tokens[at] = static_cast<Token>(at % vocabulary);
}

/// Sorts whole rows with CUB, then keeps the first k.
inline void largest_by_rows(float const* logits, int rows, int vocabulary, int k, float* values, std::int32_t* tokens,
                            top_k_workspace& work, cudaStream_t on) {
  long long const all = static_cast<long long>(rows) * vocabulary;
  AMQ_EXPECTS(all < std::numeric_limits<int>::max(),
              "top_k sorts fewer than 2^31 logits at once, not " + std::to_string(all) + "; give it fewer rows");
  auto const count = static_cast<std::size_t>(all);
  work.starts.reserve(static_cast<std::size_t>(rows) + 1, on);
  work.values[0].reserve(count, on);
  for (auto& each : work.tokens) each.reserve(count, on);
  launch({pieces(all + 1, 256), 256, 0, on}, number_tokens_kernel<std::int32_t>, rows, vocabulary, work.starts.data(),
         work.tokens[0].data());
  std::size_t bytes = 0;
  auto const sort = [&](void* memory) {
    check(cub::DeviceSegmentedRadixSort::SortPairsDescending(
              memory, bytes, logits, work.values[0].data(), static_cast<std::int32_t const*>(work.tokens[0].data()),
              work.tokens[1].data(), static_cast<int>(all), rows, static_cast<std::int32_t const*>(work.starts.data()),
              static_cast<std::int32_t const*>(work.starts.data()) + 1, 0, 32, on),
          "cub::DeviceSegmentedRadixSort");
  };
  sort(nullptr);
  work.sorting.reserve(bytes, on);
  sort(work.sorting.data());
  auto const keep = [&]<class T>(T const* from, T* to) {
    std::size_t const line = sizeof(T) * static_cast<std::size_t>(k);
    check(cudaMemcpy2DAsync(to, line, from, sizeof(T) * static_cast<std::size_t>(vocabulary), line,
                            static_cast<std::size_t>(rows), cudaMemcpyDeviceToDevice, on),
          "cudaMemcpy2DAsync");
  };
  keep(work.values[0].data(), values);
  keep(work.tokens[1].data(), tokens);
}

}  // namespace sampling

/// The k largest of each row of `logits` (rows, vocabulary), the largest first, the lower token first among equals:
/// `values` and `tokens` (rows, k), all on the device. Up to 1024 of them: blocks sort tiles of 4096 logits and keep k
/// each, until one tile is left; about 1.3 passes over the logits. More: whole rows are sorted, 4 passes of CUB's radix
/// sort, 12 bytes a logit. Where a logit is NaN its row's order means nothing (`log_sums` then gives NaN).
/// Asynchronous; same input, same bits. Throws precondition_error unless 1 <= k <= vocabulary.
inline void top_k(float const* logits, int rows, int vocabulary, int k, float* values, std::int32_t* tokens,
                  top_k_workspace& work, cudaStream_t on) {
  AMQ_EXPECTS(rows > 0 && k > 0 && k <= vocabulary, "top_k needs rows and 1 to " + std::to_string(vocabulary) +
                                                        " tokens of each, not " + std::to_string(k) + " of " +
                                                        std::to_string(rows) + " rows");
  if (k <= sampling::most_of_tile)
    sampling::largest_by_tiles({logits, nullptr, vocabulary}, rows, k, values, tokens, work, on);
  else
    sampling::largest_by_rows(logits, rows, vocabulary, k, values, tokens, work, on);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
