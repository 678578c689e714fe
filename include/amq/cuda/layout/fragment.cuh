// From codes to operands of a tensor core, and from its sums to results.
#pragma once

#include <cstdint>
#include <type_traits>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/layout/codes.cuh"
#include "amq/cuda/layout/parameters.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// How codes of `Bits` become numbers of 16 bits with one mask and, for every other one or fewer, one shift.
///
/// f16: the bits of a code are the mantissa of a subnormal number, code * 2^(position - 24), exactly what a tensor core
/// multiplies. bf16: below the exponent of 128 they give 128 + code * 2^position. Row g's codes lie at position 0, and
/// where there is room for it row g + 8's at position 4, so that one shift serves both; positions are undone by `unit`
/// and the 128 by `bias` once a group, in f32. bf16 has 7 bits of mantissa, so that 8-bit codes take two products: low
/// and high half bytes, the latter below the exponent of 2048, where a step is 16.
///
/// `Apart` (f16, 2 bits): the second half of a chunk stays at positions 2 and 6, which saves its shift; it is summed
/// apart.
template <int Bits, class Number, bool Apart = false>
struct fragment {
  static constexpr bool half_precision = std::is_same_v<Number, f16>;
  static_assert(half_precision || std::is_same_v<Number, bf16>, "amq: products read activations of f16 or bf16");
  static_assert(!Apart || (half_precision && Bits == 2), "amq: only 2-bit codes in f16 can be summed apart");

  static constexpr int room = half_precision ? 10 : 7;  ///< bits of mantissa
  static constexpr int parts = Bits > room ? 2 : 1;     ///< products a half chunk
  static constexpr int sums = Apart ? 2 : 1;            ///< sums that are kept apart
  static constexpr int width = parts == 2 ? 4 : Bits;   ///< bits of a code that one product takes
  static constexpr float bias = half_precision ? 0 : parts == 2 ? 128 + 2048 : 128;

  __host__ __device__ static constexpr int position(int half, int row) {
    int const wanted = Bits > 4 ? 0 : 4 * row;
    return (wanted + width <= room ? wanted : 0) + (Apart ? 2 * half : 0);
  }

  /// What a row's first sum is multiplied by to be sum of code * x, as a power of two; the second's is a fourth.
  __host__ __device__ static constexpr float unit(int row) {
    float const step = half_precision ? 0x1p24f : 1;
    return position(0, row) == 4 ? step / 16 : step;
  }

  /// Operand A of part `part` of a half chunk. Call with constants after unrolling.
  __device__ static void decode(std::uint32_t (&a)[4], span_codes<Bits> const& codes, int chunk, int half, int part) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      int const at = position(half, i % 2);
      std::uint32_t const mask = ((1u << width) - 1) << at;
      std::uint32_t const exponent = half_precision ? 0 : part == 0 ? 0x4300 : 0x4500;
      a[i] = ((field_word(codes, chunk, half, i % 2) >> (field_bit<Bits>(half, i) + 4 * part - at)) &
              (mask << 16 | mask)) |
             (exponent << 16 | exponent);
    }
  }
};

/// y += scale * (sum of code * x - zero * sum of x) of one group for a lane's part of a tile: `sum` has rows g and
/// g + 8, each for two tokens, whose sums of x are `x`.
template <class Fragment>
__device__ void add_group(float (&y)[4], float (&sum)[Fragment::sums][4], uint2 parameters, float2 x) {
  float2 const scales = unpacked<f16>(parameters.x), zeros = unpacked<f16>(parameters.y);
#pragma unroll
  for (int row = 0; row < 2; ++row) {
    float const unit = Fragment::unit(row), scale = (row == 0 ? scales.x : scales.y) * unit,
                zero = (row == 0 ? zeros.x : zeros.y) * (1 / unit) + Fragment::bias;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      float total = sum[0][2 * row + i];
      if constexpr (Fragment::sums == 2) total += 0.25f * sum[1][2 * row + i];
      y[2 * row + i] += scale * (total - zero * (i == 0 ? x.x : x.y));
    }
  }
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
