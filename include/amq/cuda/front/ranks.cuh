// Non-dominated ranks of a large population with two objectives: CUB sorts it, one block finds the chains.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <cub/device/device_radix_sort.cuh>
#include <string>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Memory of `non_dominated_ranks`, kept from call to call. Grows on demand; belongs to the stream that it is first
/// used with.
struct front_workspace {
  device_buffer<unsigned long long> keys[3];
  device_buffer<unsigned long long> least;
  device_buffer<std::uint32_t> points[2];
  device_buffer<std::byte> sorting;
};

namespace ranking {

using key = unsigned long long;

/// Orders as the double does; -0 is 0, and what is no number is the worst there is.
__device__ inline key key_of(double x) {
  x = x == x ? x + 0.0 : double{INFINITY};
  key bits;
  std::memcpy(&bits, &x, sizeof bits);
  return (bits >> 63) != 0 ? ~bits : bits | 1ull << 63;
}

/// keys[i] = that of objective `which` of points[i], or of point i, which points[i] becomes.
template <class Point>
AMQ_CUDA_KERNEL void keys_kernel(double const* objectives, int which, bool number, int count, Point* points,
                                 key* keys) {
  int const i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= count) return;
  if (number) points[i] = static_cast<Point>(i);
  keys[i] = key_of(objectives[2ll * points[i] + which]);
}

template <int Threads>
struct chain_shared {
  key seconds[Threads];
  int ranks[Threads];
  int fronts;
};

/// How many of the ascending `least` are not above `second`.
__device__ inline int fronts_not_above(key const* least, int fronts, key second) {
  int low = 0, high = fronts;
  while (low < high) {
    int const middle = (low + high) / 2;
    if (least[middle] <= second)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/// One point on its way: `rank` grows with each point before it that is settled.
struct ranked_point {
  key second;
  bool again;  ///< equal to the point before it, so that it shares its rank
  int rank;

  /// `before` has that second objective and that final rank, and comes before.
  __device__ void follow(key before, int its_rank) {
    if (before <= second && its_rank >= rank) rank = its_rank + 1;
  }
};

/// Settles the 32 points of a warp, one after the other; `last` is the rank of the point before them.
__device__ inline void settle_warp(ranked_point& own, int lane, int last) {
  if (lane == 0 && own.again) own.rank = last;
  for (int j = 0; j < 32; ++j) {
    key const second = __shfl_sync(0xffffffffu, own.second, j);
    int const rank = __shfl_sync(0xffffffffu, own.rank, j);
    if (lane <= j) continue;
    if (lane == j + 1 && own.again)
      own.rank = rank;
    else
      own.follow(second, rank);
  }
}

/// Ranks of points in lexicographic order: a point is one front behind the last of those before it whose second
/// objective is not above its own. One block goes over all points, Threads at a time: what lies before them is summed
/// up in least[f], the least second objective of front f, ascending in f; among themselves, warps settle in turn.
template <int Threads>
AMQ_CUDA_KERNEL void chain_ranks_kernel(key const* firsts, key const* seconds, std::uint32_t const* points, int count,
                                        key* least, int* ranks) {
  auto& shared = *reinterpret_cast<chain_shared<Threads>*>(ptx::dynamic_shared());
  int const thread = static_cast<int>(threadIdx.x), lane = thread % 32, warp = thread / 32;
  int carried = 0;
  if (thread == 0) shared.fronts = 0;
  __syncthreads();
  for (int base = 0; base < count; base += Threads) {
    int const i = base + thread;
    bool const inside = i < count;
    ranked_point own{inside ? seconds[i] : ~key{0}, false, 0};
    own.again = inside && i > 0 && firsts[i] == firsts[i - 1] && own.second == seconds[i - 1];
    if (inside) own.rank = fronts_not_above(least, shared.fronts, own.second);
    shared.seconds[thread] = own.second;
    for (int w = 0; w < Threads / 32; ++w) {
      if (warp == w) {
        int const last = lane > 0 ? 0 : thread == 0 ? carried : shared.ranks[thread - 1];
        settle_warp(own, lane, last);
        shared.ranks[thread] = own.rank;
      }
      __syncthreads();
      if (warp > w)
        for (int j = 32 * w; j < 32 * w + 32; ++j) own.follow(shared.seconds[j], shared.ranks[j]);
    }
    if (inside) {
      ranks[points[i]] = own.rank;
      atomicMin(&least[own.rank], own.second);
      atomicMax(&shared.fronts, own.rank + 1);
    }
    carried = shared.ranks[Threads - 1];
    __syncthreads();
  }
}

inline void sort_pairs(key const* keys, key* sorted_keys, std::uint32_t const* points, std::uint32_t* sorted_points,
                       int count, front_workspace& work, cudaStream_t on) {
  std::size_t bytes = 0;
  auto const sort = [&](void* memory) {
    check(cub::DeviceRadixSort::SortPairs(memory, bytes, keys, sorted_keys, points, sorted_points, count, 0, 64, on),
          "cub::DeviceRadixSort");
  };
  sort(nullptr);
  work.sorting.reserve(bytes, on);
  sort(work.sorting.data());
}

}  // namespace ranking

/// ranks[i] = the front that row i of `objectives` (points, 2) belongs to, both on the device: 0 for those that nothing
/// dominates, 1 for those that only front 0 dominates, ...; the same ranks as the host's function of this name. Both
/// objectives are minimised, NaN is worst. Two radix sorts, then O(points log fronts) work on one multiprocessor, tens
/// of nanoseconds a point whatever the number of fronts. 40 bytes a point besides what CUB takes. Asynchronous. Throws
/// precondition_error for fewer than one point.
inline void non_dominated_ranks(double const* objectives, int points, int* ranks, front_workspace& work,
                                cudaStream_t on) {
  constexpr int threads = 1024;
  AMQ_EXPECTS(points > 0, "ranks need at least one point, not " + std::to_string(points));
  auto const count = static_cast<std::size_t>(points);
  for (auto& each : work.keys) each.reserve(count, on);
  for (auto& each : work.points) each.reserve(count, on);
  work.least.reserve(count, on);
  check(cudaMemsetAsync(work.least.data(), 0xff, count * sizeof(ranking::key), on), "cudaMemsetAsync");
  auto const keys = [&](int which, bool number, std::uint32_t* at, ranking::key* out) {
    launch({pieces(points, 256), 256, 0, on}, ranking::keys_kernel<std::uint32_t>, objectives, which, number, points,
           at, out);
  };
  auto* const a = work.points[0].data();
  auto* const b = work.points[1].data();
  auto* const unsorted = work.keys[0].data();
  auto* const firsts = work.keys[1].data();
  auto* const seconds = work.keys[2].data();
  keys(1, true, a, unsorted);
  ranking::sort_pairs(unsorted, seconds, a, b, points, work, on);
  keys(0, false, b, unsorted);
  ranking::sort_pairs(unsorted, firsts, b, a, points, work, on);
  keys(1, false, a, seconds);
  launch({1, threads, sizeof(ranking::chain_shared<threads>), on}, ranking::chain_ranks_kernel<threads>, firsts,
         seconds, a, points, work.least.data(), ranks);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
