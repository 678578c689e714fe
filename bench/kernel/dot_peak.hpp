// The most dot products of bf16 and of int8 that this core can do: independent chains in registers, no memory.
#pragma once

#include "amq/core/matrix.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16"))), \
                                 apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")
#endif

namespace amq::bench {

/// 14 independent chains of dot products; returns how many operations they were, an addition and a multiplication
/// being two.
inline double run_bf16_dots(float* values, index steps) {
  __m512 sums[14];
  for (auto& sum : sums) sum = _mm512_setzero_ps();
  __m512i const x = _mm512_set1_epi16(0x3c00), y = _mm512_set1_epi16(0x3c00);
  for (index i = 0; i < steps; ++i) {
#pragma GCC unroll 14
    for (int chain = 0; chain < 14; ++chain) sums[chain] = _mm512_dpbf16_ps(sums[chain], (__m512bh)x, (__m512bh)y);
  }
  for (auto const& sum : sums) values[2] += _mm512_cvtss_f32(sum);
  return 2.0 * 14 * 32 * static_cast<double>(steps);
}

inline double run_int8_dots(float* values, index steps) {
  __m512i sums[14];
  for (auto& sum : sums) sum = _mm512_setzero_si512();
  __m512i const x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(5);
  for (index i = 0; i < steps; ++i) {
#pragma GCC unroll 14
    for (int chain = 0; chain < 14; ++chain) sums[chain] = _mm512_dpbusd_epi32(sums[chain], x, y);
  }
  for (auto const& sum : sums) values[2] += static_cast<float>(_mm512_cvtsi512_si32(sum));
  return 2.0 * 14 * 64 * static_cast<double>(steps);
}

}  // namespace amq::bench

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
