// Round to nearest on the device: the codes, scales and zeros of the host's `rtn`.
#pragma once

#include <cuda_runtime.h>

#include "amq/core/tile_layout.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/device.hpp"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/ptx.cuh"
#include "amq/cuda/quantize/block_weights.cuh"
#include "amq/cuda/quantize/for_group.cuh"
#include "amq/cuda/quantize/group_parameters.cuh"
#include "amq/cuda/quantize/pack.cuh"
#include "amq/cuda/quantize/workspace.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
namespace quantizing {

template <int Group, class Weight>
AMQ_CUDA_KERNEL void rtn_kernel(Weight const* weights, weight_shape shape, int bits, rtn_request how,
                                std::uint8_t* tiles, quantize_refusals* refused) {
  auto& shared = *reinterpret_cast<packing_shared*>(ptx::dynamic_shared());
  weight_place const at(blockIdx.x, shape);
  weight_part<Group> part;
  part.load(weights, shape, at);
  part.refuse_what_is_not_finite(shape, at, refused);
  auto const highest = static_cast<float>((1 << bits) - 1);
  auto const range = range_of(part);
  auto const parameters = how == rtn_request::awq ? awq_parameters(range, highest)
                                                  : gptq_parameters(range, highest, how == rtn_request::symmetric);
  bool const inside = at.row < shape.rows;
#pragma unroll
  for (int q = 0; q < weight_part<Group>::quads; ++q) {
    float const* const of = part.values + 4 * q;
    auto const code = [&](int i) { return code_by_division(of[i], parameters, highest); };
    shared.quads[at.part + row_threads * q][at.tile_row] = inside ? quad_of(code(0), code(1), code(2), code(3)) : 0;
  }
  __syncthreads();
  int const code_bytes = 2 * bits * Group;
  std::uint8_t* const block =
      tiles + static_cast<long long>(blockIdx.x) * (code_bytes + static_cast<int>(tile_layout::parameter_bytes));
  store_codes(shared, bits, Group, block);
  if (at.part == 0) store_parameters(parameters, shape, at, block + code_bytes, refused);
}

}  // namespace quantizing

/// Quantizes `weights` (rows, cols), f32, f16 or bf16 on the device, into `tiles`, layout.bytes(rows, cols) bytes in
/// the host's packed layout on the device. Codes, scales and zeros are those of the host's `rtn`. Reads the weights
/// once. Asynchronous; `check_quantized` then waits and tells what f16 could not hold. Weights are aligned to four of
/// them, tiles to 4 bytes. Throws precondition_error for other pointers and for shapes without a layout.
template <class Weight>
void quantize_rtn(Weight const* weights, int rows, int cols, tile_layout layout, rtn_request how, std::uint8_t* tiles,
                  quantize_workspace& work, cudaStream_t on) {
  quantizing::begin_quantizing(weights, 4 * sizeof(Weight), rows, cols, layout, tiles, work, on);
  quantizing::weight_shape const shape{rows, cols, static_cast<int>(layout.groups(cols))};
  auto const blocks = static_cast<unsigned>(tile_layout::tiles(rows) * layout.groups(cols));
  quantizing::for_group(layout.group, [&]<int Group>(quantizing::group_size<Group>) {
    launch({blocks, quantizing::block_threads, sizeof(quantizing::packing_shared), on},
           quantizing::rtn_kernel<Group, Weight>, weights, shape, layout.bits, how, tiles, work.refused.data());
  });
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
