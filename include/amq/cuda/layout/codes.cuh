// A lane's codes of one span in registers, and the words in which they can be masked out.
#pragma once

#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/layout/device_layout.hpp"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// A lane's 64 codes of a span, as device_layout stores them.
template <int Bits>
struct span_codes {
  static constexpr int low_bits = device_layout::low_bits(Bits);
  static constexpr int high_bits = device_layout::high_bits(Bits);

  std::uint32_t low[2 * low_bits];
  std::uint32_t high[high_bits == 0 ? 1 : 2 * high_bits];
};

namespace kernels {

__device__ inline void put(std::uint32_t* to, uint4 const& v) {
  to[0] = v.x;
  to[1] = v.y;
  to[2] = v.z;
  to[3] = v.w;
}

/// x shifted so that its bit `from` comes to lie at `to`.
__device__ inline std::uint32_t moved(std::uint32_t x, int from, int to) {
  return from > to ? x >> (from - to) : x << (to - from);
}

/// Bits of x where Mask has ones and of y elsewhere.
template <std::uint32_t Mask>
__device__ std::uint32_t merged(std::uint32_t x, std::uint32_t y) {
  return (x & Mask) | (y & ~Mask);
}

}  // namespace kernels

/// How codes are read: from memory of the device once, so that they do not stay in the first-level cache, or from
/// shared memory.
struct read_once {
  template <class Vector>
  __device__ Vector operator()(Vector const* at) const {
    return ptx::load_once(at);
  }
};
struct read_shared {
  template <class Vector>
  __device__ Vector operator()(Vector const* at) const {
    return *at;
  }
};

/// Reads a lane's codes.
template <class Read = read_once, int Bits>
__device__ void load_codes(span_codes<Bits>& codes, std::uint8_t const* span, int lane) {
  using held = span_codes<Bits>;
  constexpr Read read;
  auto const vectors = reinterpret_cast<uint4 const*>(span) + lane;
#pragma unroll
  for (int v = 0; v < held::low_bits / 2; ++v) kernels::put(codes.low + 4 * v, read(vectors + 32 * v));
  auto const high = span + device_layout::tile_rows * device_layout::span_inputs / 8 * held::low_bits;
  if constexpr (held::high_bits == 2) {
    kernels::put(codes.high, read(reinterpret_cast<uint4 const*>(high) + lane));
  } else if constexpr (held::high_bits == 1) {
    uint2 const v = read(reinterpret_cast<uint2 const*>(high) + lane);
    codes.high[0] = v.x;
    codes.high[1] = v.y;
  }
}

/// A word in whose halves the whole codes of registers a = row, row + 2 (row: 0 for row g, 1 for g + 8) of a chunk's
/// half begin at bit field_bit(half, a); other bits are those of other codes. Call with constants after unrolling.
template <int Bits>
__device__ std::uint32_t field_word(span_codes<Bits> const& codes, int chunk, int half, int row) {
  using kernels::merged, kernels::moved;
  if constexpr (Bits == 2) {
    return codes.low[chunk];
  } else if constexpr (Bits == 3) {
    return merged<0x33333333>(codes.low[chunk] >> 2 * half, moved(codes.high[chunk / 2], 2 * (chunk % 2) + half, 2));
  } else if constexpr (Bits == 4) {
    return codes.low[2 * chunk + half];
  } else if constexpr (Bits == 5) {
    return merged<0x0f0f0f0f>(codes.low[2 * chunk + half] >> 4 * row,
                              moved(codes.high[chunk / 2], 4 * row + 2 * (chunk % 2) + half, 4));
  } else if constexpr (Bits == 6) {
    return merged<0x0f0f0f0f>(codes.low[2 * chunk + half] >> 4 * row, moved(codes.high[chunk], 4 * row + 2 * half, 4));
  } else {
    return codes.low[4 * chunk + 2 * half + row];
  }
}

template <int Bits>
__host__ __device__ constexpr int field_bit(int half, int a) {
  return Bits == 2 ? 4 * a + 2 * half : Bits <= 4 ? 4 * a : 8 * (a / 2);
}

/// Codes of inputs (8 t + 4 half + 2 (a / 2)) + 0 and + 1 of row g + 8 (a % 2), as two whole numbers of 16 bits.
template <int Bits>
__device__ std::uint32_t code_pair(span_codes<Bits> const& codes, int chunk, int half, int a) {
  constexpr std::uint32_t mask = (1u << Bits) - 1;
  return (field_word(codes, chunk, half, a % 2) >> field_bit<Bits>(half, a)) & (mask << 16 | mask);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
