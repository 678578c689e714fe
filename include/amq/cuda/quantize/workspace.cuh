// What quantizers need besides weights and tiles: kept from matrix to matrix, so that memory is asked for once.
#pragma once

#include <string>

#include "amq/core/error.hpp"
#include "amq/core/tile_layout.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/device_memory.cuh"
#include "amq/cuda/quantize/refusals.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// One matrix at a time. Grows on demand; belongs to the stream that it is first used with. Move-only.
struct quantize_workspace {
  device_buffer<quantize_refusals> refused;
  device_buffer<double> distances;  ///< HQQ's errors, (iterations, parts of the matrix)
  device_buffer<int> iterations;    ///< that HQQ keeps
  long long cols = 0;
  long long groups = 0;
};

namespace quantizing {

/// Checks what every quantizer expects, and clears what the last matrix left.
inline void begin_quantizing(void const* weights, std::size_t alignment, int rows, int cols, tile_layout layout,
                             void const* tiles, quantize_workspace& work, cudaStream_t on) {
  auto const refusal = tile_layout::refusal({layout.bits, layout.group}, cols);
  AMQ_EXPECTS(refusal.empty(), "quantizing on the device: " + refusal);
  AMQ_EXPECTS(rows > 0, "quantizing needs at least one row, not " + std::to_string(rows));
  expect_on_device(weights, alignment, "quantizing: the matrix of weights");
  expect_on_device(tiles, 4, "quantizing: the memory for tiles");
  work.cols = cols;
  work.groups = layout.groups(cols);
  AMQ_EXPECTS(rows * work.groups < (1ll << 31), "quantizing needs fewer than 2^31 groups a matrix, not " +
                                                    std::to_string(rows * work.groups) + "; quantize it in parts");
  work.refused.reserve(1, on);
  check(cudaMemsetAsync(work.refused.data(), 0xff, sizeof(quantize_refusals), on), "cudaMemsetAsync");
}

}  // namespace quantizing

/// Waits for the stream; throws input_error, in the host's words, where the matrix quantized last has a weight that is
/// not finite or a scale or zero that f16 cannot hold. Its tiles mean nothing then.
inline void check_quantized(quantize_workspace const& work, cudaStream_t on) {
  quantize_refusals found{};
  download(work.refused.data(), std::span(&found, 1), on);
  check(cudaStreamSynchronize(on), "cudaStreamSynchronize");
  throw_refusals(found, work.cols, work.groups);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
