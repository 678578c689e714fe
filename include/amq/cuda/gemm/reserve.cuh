// Room in a workspace for all products up to some size, before a graph is recorded.
#pragma once

#include <algorithm>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/gemm/gemm.cuh"
#include "amq/cuda/gemv/gemv.cuh"
#include "amq/cuda/product_workspace.cuh"
#include "amq/cuda/tuning.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Makes room for gemv and gemm of (rows, cols) matrices of any width and group with 1 to `most_tokens` tokens, so that
/// none of them grows the workspace. Asynchronous. O(most_tokens) on the host.
template <class Tuning = default_tuning>
void reserve_products(product_workspace& workspace, int rows, int cols, int most_tokens, cudaStream_t on) {
  int const capability = compiled_capability<Tuning>(workspace.capability()), tiles = device_layout::tiles(rows);
  std::size_t floats = 0, counters = 0;
  for (int const bits : tile_layout::widths)
    for (int const group : tile_layout::group_sizes)
      for (int tokens = 1; tokens <= most_tokens; ++tokens) {
        if (tokens <= most_gemv_tokens) {
          auto const few =
              plan_gemv(Tuning::gemv(capability, bits, group), workspace.multiprocessors(), group, rows, cols, tokens);
          floats = std::max(floats, few.floats(tiles));
          counters = std::max(counters, few.slices == 1 ? 0 : static_cast<std::size_t>(tiles));
        }
        auto const many = plan_gemm(Tuning::gemm(capability, bits, gemm_tokens(tokens)), workspace.multiprocessors(),
                                    group, rows, cols, tokens);
        floats = std::max(floats, many.sums + many.partial);
        counters = std::max(counters, many.counters());
      }
  workspace.floats(floats, on);
  workspace.counters(counters, on);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
