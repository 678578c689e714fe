// What no quantizer has an answer for: found by kernels, told by the host.
#pragma once

#include <cuda_runtime.h>

#include <bit>
#include <cstdint>
#include <string>

#include "amq/core/error.hpp"
#include "amq/core/packed_matrix.hpp"
#include "amq/cuda/abi.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// The first weight that is not finite and the first scale or zero that f16 cannot hold, on the device. Each is one
/// number that orders by place and carries the value, so that one atomic minimum keeps it whatever the order of events.
struct quantize_refusals {
  static constexpr unsigned long long none = ~0ull;

  unsigned long long weight;     ///< element << 16 | upper half of the value
  unsigned long long parameter;  ///< (row * groups + group) << 33 | 1 << 32 for a zero | the value
};

/// Notes a weight that is not finite; `element` is row * cols + column.
__device__ inline void refuse_weight(quantize_refusals* refused, long long element, float value) {
  std::uint32_t const half = (__float_as_uint(value) >> 16) | (value != value ? 0x40u : 0u);
  atomicMin(&refused->weight, static_cast<unsigned long long>(element) << 16 | half);
}

__device__ inline void refuse_parameter(quantize_refusals* refused, long long group, bool zero, float value) {
  atomicMin(&refused->parameter,
            static_cast<unsigned long long>(group) << 33 | (zero ? 1ull << 32 : 0ull) | __float_as_uint(value));
}

/// Throws what the host's quantizers throw for it: input_error with the first weight that is not finite, else with the
/// first scale or zero that f16 cannot hold.
inline void throw_refusals(quantize_refusals const& refused, long long cols, long long groups) {
  if (refused.weight != quantize_refusals::none) {
    auto const element = static_cast<long long>(refused.weight >> 16);
    auto const value = std::bit_cast<float>(static_cast<std::uint32_t>(refused.weight & 0xffff) << 16);
    throw input_error("the weight in row " + std::to_string(element / cols) + ", column " +
                      std::to_string(element % cols) + " is " + std::to_string(value) +
                      "; quantizing needs finite weights, so check the checkpoint");
  }
  if (refused.parameter == quantize_refusals::none) return;
  auto const at = static_cast<long long>(refused.parameter >> 33);
  auto const value = std::bit_cast<float>(static_cast<std::uint32_t>(refused.parameter));
  if ((refused.parameter >> 32 & 1) != 0)
    amq::detail::store_zero(value, at / groups, at % groups);
  else
    amq::detail::store_scale(value, at / groups, at % groups);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
