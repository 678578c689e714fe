// Scales and zeros of a block's tiles on their way through shared memory, so that they take no registers while they
// wait.
#pragma once

#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/layout/device_layout.hpp"
#include "amq/cuda/layout/device_matrix.cuh"
#include "amq/cuda/layout/span_registers.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// One span's parameters of `Tiles` tiles, as they lie in the device layout.
template <int Group, int Tiles>
struct parameter_stage {
  static constexpr int groups = device_layout::span_inputs / Group;
  static constexpr int tile_units = device_layout::group_bytes / 16 * groups;

  uint2 of[Tiles][8][groups];

  /// Starts to copy those of tiles first, first + 1, ...; beyond the matrix, the last one's. All threads of the block.
  template <int Bits>
  __device__ void fill(device_matrix const& w, int first, int span) {
    using held = span_registers<Bits, Group>;
    int const thread = static_cast<int>(threadIdx.x), threads = static_cast<int>(blockDim.x);
    for (int i = thread; i < Tiles * tile_units; i += threads) {
      int const tile = i / tile_units, unit = i % tile_units, from = min(first + tile, w.tiles() - 1);
      ptx::copy_async_16(
          reinterpret_cast<uint4*>(of[tile]) + unit,
          w.data + (std::int64_t{from} * w.spans() + span) * held::span_bytes + held::code_bytes + 16 * unit);
    }
  }
};

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
