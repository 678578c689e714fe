// Which rows have a token after them: all but each sequence's last. Gathering them, and means over them.
#pragma once

#include <cstdint>

#include <cub/block/block_reduce.cuh>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/pack.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

template <class T, int Width>
AMQ_CUDA_KERNEL void gather_positions_kernel(T const* x, int length, int first, int cols, T* out) {
  int const position = first + static_cast<int>(blockIdx.x), sequence = position / (length - 1);
  T const* const from = x + static_cast<std::int64_t>(position + sequence) * cols;  // one row a sequence was left out
  T* const to = out + static_cast<std::int64_t>(blockIdx.x) * cols;
  for (int i = static_cast<int>(threadIdx.x) * Width; i < cols; i += static_cast<int>(blockDim.x) * Width)
    pack<T, Width>::load(from + i).store(to + i);
}

/// out (rows, cols) = the rows of x (sequences * length, cols) that are not their sequence's last, from the `first`-th
/// such row on. With x one token later, cols 1, these are the tokens that follow. length >= 2; on the device, T
/// trivially copyable. Asynchronous; throws cuda_error.
template <class T>
void gather_positions(T const* x, int length, int first, int rows, int cols, T* out, cudaStream_t on) {
  AMQ_EXPECTS(length >= 2 && first >= 0 && rows >= 0 && cols >= 1,
              "only sequences of at least two tokens have positions with a token after them");
  if (rows == 0) return;
  launch_shape const shape{dim3(static_cast<unsigned>(rows)), dim3(cols < 256 ? 32 : 256), 0, on};
  if (rows_in_fours(cols, x, out))
    launch(shape, gather_positions_kernel<T, 4>, x, length, first, cols, out);
  else
    launch(shape, gather_positions_kernel<T, 1>, x, length, first, cols, out);
}

template <int Threads>
AMQ_CUDA_KERNEL void sequence_means_kernel(double const* positions, int count, double* means) {
  using reduce = cub::BlockReduce<double, Threads>;
  auto& storage = *reinterpret_cast<typename reduce::TempStorage*>(ptx::dynamic_shared());
  double const* const own = positions + static_cast<std::int64_t>(blockIdx.x) * count;
  double sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < count; i += Threads) sum += own[i];
  double const all = reduce(storage).Sum(sum);
  if (threadIdx.x == 0) means[blockIdx.x] = all / count;
}

/// means (sequences) of the rows of `positions` (sequences, count), in f64 and always in the same order; on the device.
/// Asynchronous; throws cuda_error.
inline void sequence_means(double const* positions, int sequences, int count, double* means, cudaStream_t on) {
  AMQ_EXPECTS(sequences >= 0 && count >= 1, "a mean is over at least one position, of no fewer than 0 sequences");
  if (sequences == 0) return;
  constexpr int threads = 128;
  std::size_t const bytes = sizeof(typename cub::BlockReduce<double, threads>::TempStorage);
  launch({dim3(static_cast<unsigned>(sequences)), dim3(threads), bytes, on}, sequence_means_kernel<threads>, positions,
         count, means);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
