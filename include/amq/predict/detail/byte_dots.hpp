// Dot products of one vector of small integers with 64 others, for each instruction set. Exact, so all sets agree.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "amq/core/matrix.hpp"
#include "amq/core/simd/isa.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace amq::detail {

/// 64 vectors with four neighbouring elements of each side by side: element k of vector j is at
/// (k / 4) * 256 + 4 j + k % 4. Elements are at most 127, sums below 2^15.
using byte_dots_result = std::array<std::int32_t, 64>;

inline void byte_dots_portable(std::uint8_t const* query, std::uint8_t const* block, index quads,
                               byte_dots_result& out) {
  out.fill(0);
  for (index q = 0; q < quads; ++q, query += 4, block += 256)
    for (std::size_t j = 0; j < 64; ++j)
      out[j] += query[0] * block[4 * j] + query[1] * block[4 * j + 1] + query[2] * block[4 * j + 2] +
                query[3] * block[4 * j + 3];
}

#if defined(__x86_64__)
inline int byte_quad(std::uint8_t const* query, index q) {
  int quad = 0;
  std::memcpy(&quad, query + 4 * q, 4);
  return quad;
}

/// Half a block: 32 vectors in four registers of sums of 16 bits, two each vector.
[[gnu::target("avx2")]] inline void byte_dots_half_avx2(std::uint8_t const* query, std::uint8_t const* block,
                                                        index quads, std::int32_t* out) {
  __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
  for (index q = 0; q < quads; ++q, block += 256) {
    __m256i const four = _mm256_set1_epi32(byte_quad(query, q));
    auto const* const from = reinterpret_cast<__m256i const*>(block);
    a = _mm256_add_epi16(a, _mm256_maddubs_epi16(_mm256_loadu_si256(from), four));
    b = _mm256_add_epi16(b, _mm256_maddubs_epi16(_mm256_loadu_si256(from + 1), four));
    c = _mm256_add_epi16(c, _mm256_maddubs_epi16(_mm256_loadu_si256(from + 2), four));
    d = _mm256_add_epi16(d, _mm256_maddubs_epi16(_mm256_loadu_si256(from + 3), four));
  }
  __m256i const ones = _mm256_set1_epi16(1);
  auto* const to = reinterpret_cast<__m256i*>(out);
  _mm256_storeu_si256(to, _mm256_madd_epi16(a, ones)), _mm256_storeu_si256(to + 1, _mm256_madd_epi16(b, ones));
  _mm256_storeu_si256(to + 2, _mm256_madd_epi16(c, ones)), _mm256_storeu_si256(to + 3, _mm256_madd_epi16(d, ones));
}

[[gnu::target("avx512f,avx512bw")]] inline void byte_dots_avx512(std::uint8_t const* query, std::uint8_t const* block,
                                                                 index quads, byte_dots_result& out) {
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
  for (index q = 0; q < quads; ++q, block += 256) {
    __m512i const four = _mm512_set1_epi32(byte_quad(query, q));
    a = _mm512_add_epi16(a, _mm512_maddubs_epi16(_mm512_loadu_si512(block), four));
    b = _mm512_add_epi16(b, _mm512_maddubs_epi16(_mm512_loadu_si512(block + 64), four));
    c = _mm512_add_epi16(c, _mm512_maddubs_epi16(_mm512_loadu_si512(block + 128), four));
    d = _mm512_add_epi16(d, _mm512_maddubs_epi16(_mm512_loadu_si512(block + 192), four));
  }
  __m512i const ones = _mm512_set1_epi16(1);
  _mm512_storeu_si512(out.data(), _mm512_madd_epi16(a, ones));
  _mm512_storeu_si512(out.data() + 16, _mm512_madd_epi16(b, ones));
  _mm512_storeu_si512(out.data() + 32, _mm512_madd_epi16(c, ones));
  _mm512_storeu_si512(out.data() + 48, _mm512_madd_epi16(d, ones));
}

/// Ice Lake (2019), Zen 4 (2022) and later: four products and three additions are one instruction.
[[gnu::target("avx512f,avx512vnni")]] inline void byte_dots_vnni(std::uint8_t const* query, std::uint8_t const* block,
                                                                 index quads, byte_dots_result& out) {
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
  for (index q = 0; q < quads; ++q, block += 256) {
    __m512i const four = _mm512_set1_epi32(byte_quad(query, q));
    a = _mm512_dpbusd_epi32(a, _mm512_loadu_si512(block), four);
    b = _mm512_dpbusd_epi32(b, _mm512_loadu_si512(block + 64), four);
    c = _mm512_dpbusd_epi32(c, _mm512_loadu_si512(block + 128), four);
    d = _mm512_dpbusd_epi32(d, _mm512_loadu_si512(block + 192), four);
  }
  _mm512_storeu_si512(out.data(), a), _mm512_storeu_si512(out.data() + 16, b);
  _mm512_storeu_si512(out.data() + 32, c), _mm512_storeu_si512(out.data() + 48, d);
}

inline bool supports_vnni() {
  static bool const there = __builtin_cpu_supports("avx512vnni") != 0;
  return there;
}
#endif

/// out[j] = query . vector j, elements 0 .. 4 quads - 1.
inline void byte_dots(std::uint8_t const* query, std::uint8_t const* block, index quads, byte_dots_result& out,
                      simd::isa which = simd::best_isa()) {
#if defined(__x86_64__)
  if (which == simd::isa::avx512)
    return supports_vnni() ? byte_dots_vnni(query, block, quads, out) : byte_dots_avx512(query, block, quads, out);
  if (which == simd::isa::avx2) {
    byte_dots_half_avx2(query, block, quads, out.data());
    return byte_dots_half_avx2(query, block + 128, quads, out.data() + 32);
  }
#endif
  byte_dots_portable(query, block, quads, out);
}

}  // namespace amq::detail
