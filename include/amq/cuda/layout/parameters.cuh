// Scales and zeros of a lane's two rows.
#pragma once

#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/layout/device_layout.hpp"
#include "amq/cuda/number.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Two numbers of 16 bits in one word, the first in the low half, as f32.
template <class Number>
__device__ float2 unpacked(std::uint32_t word);
template <>
__device__ inline float2 unpacked<f16>(std::uint32_t word) {
  return make_float2(to_f32(__ushort_as_half(static_cast<unsigned short>(word & 0xffff))),
                     to_f32(__ushort_as_half(static_cast<unsigned short>(word >> 16))));
}
template <>
__device__ inline float2 unpacked<bf16>(std::uint32_t word) {
  return make_float2(__uint_as_float(word << 16), __uint_as_float(word & 0xffff0000u));
}

/// f16 scales (x) and zeros (y) of rows g (low) and g + 8 (high), a word each, of every group of a span.
template <int Group>
struct span_parameters {
  static constexpr int groups = device_layout::span_inputs / Group;
  uint2 of[groups];
};

/// Reads a lane's parameters; `parameters` is where the span's codes end.
template <int Group>
__device__ void load_parameters(span_parameters<Group>& held, std::uint8_t const* parameters, int lane) {
  constexpr int groups = span_parameters<Group>::groups;
  auto const from = parameters + lane / 4 * groups * 8;
  if constexpr (groups == 1) {
    held.of[0] = ptx::load_once(reinterpret_cast<uint2 const*>(from));
  } else {
#pragma unroll
    for (int q = 0; q < groups; q += 2) {
      uint4 const v = ptx::load_once(reinterpret_cast<uint4 const*>(from) + q / 2);
      held.of[q] = make_uint2(v.x, v.y);
      held.of[q + 1] = make_uint2(v.z, v.w);
    }
  }
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
