// Rows of the embedding table as the hidden states that a pass begins with.
#pragma once

#include <cstdint>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/number.cuh"
#include "amq/cuda/pack.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

template <class Table, int Width>
AMQ_CUDA_KERNEL void embed_kernel(Table const* table, std::int32_t const* tokens, int hidden, float* out) {
  Table const* const from = table + static_cast<std::int64_t>(tokens[blockIdx.x]) * hidden;
  float* const to = out + static_cast<std::int64_t>(blockIdx.x) * hidden;
  for (int i = static_cast<int>(threadIdx.x) * Width; i < hidden; i += static_cast<int>(blockDim.x) * Width) {
    auto const stored = pack<Table, Width>::load(from + i);
    pack<float, Width> made;
    for (int w = 0; w < Width; ++w) made.values[w] = to_f32(stored.values[w]);
    made.store(to + i);
  }
}

/// out (count, hidden) = the rows of `table` (vocabulary, hidden) that `tokens` (count) number; all on the device.
/// Table is float, f16 or bf16. Tokens are in range: nobody checks them here. Asynchronous; throws cuda_error.
template <class Table>
void embed(Table const* table, std::int32_t const* tokens, int count, int hidden, float* out, cudaStream_t on) {
  AMQ_EXPECTS(count >= 0 && hidden >= 1, "embeddings are at least one number wide, of no fewer than 0 tokens");
  if (count == 0) return;
  launch_shape const shape{dim3(static_cast<unsigned>(count)), dim3(256), 0, on};
  if (rows_in_fours(hidden, table, out))
    launch(shape, embed_kernel<Table, 4>, table, tokens, hidden, out);
  else
    launch(shape, embed_kernel<Table, 1>, table, tokens, hidden, out);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
