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

/// 64 vectors with two neighbouring elements of each side by side: element k of vector j is at
/// (k / 2) * 128 + 2 j + k % 2. Sums must stay below 2^15.
using byte_dots_result = std::array<std::int16_t, 64>;

inline void byte_dots_portable(std::uint8_t const* query, std::uint8_t const* block, index pairs,
                               byte_dots_result& out) {
  out.fill(0);
  for (index p = 0; p < pairs; ++p, block += 128)
    for (std::size_t j = 0; j < 64; ++j)
      out[j] = static_cast<std::int16_t>(out[j] + query[2 * p] * block[2 * j] + query[2 * p + 1] * block[2 * j + 1]);
}

#if defined(__x86_64__)
inline short byte_pair(std::uint8_t const* query, index p) {
  short pair = 0;
  std::memcpy(&pair, query + 2 * p, 2);
  return pair;
}

[[gnu::target("avx2")]] inline void byte_dots_avx2(std::uint8_t const* query, std::uint8_t const* block, index pairs,
                                                   byte_dots_result& out) {
  __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
  for (index p = 0; p < pairs; ++p, block += 128) {
    __m256i const q = _mm256_set1_epi16(byte_pair(query, p));
    auto const* const from = reinterpret_cast<__m256i const*>(block);
    a = _mm256_add_epi16(a, _mm256_maddubs_epi16(_mm256_loadu_si256(from), q));
    b = _mm256_add_epi16(b, _mm256_maddubs_epi16(_mm256_loadu_si256(from + 1), q));
    c = _mm256_add_epi16(c, _mm256_maddubs_epi16(_mm256_loadu_si256(from + 2), q));
    d = _mm256_add_epi16(d, _mm256_maddubs_epi16(_mm256_loadu_si256(from + 3), q));
  }
  auto* const to = reinterpret_cast<__m256i*>(out.data());
  _mm256_storeu_si256(to, a), _mm256_storeu_si256(to + 1, b);
  _mm256_storeu_si256(to + 2, c), _mm256_storeu_si256(to + 3, d);
}

[[gnu::target("avx512f,avx512bw")]] inline void byte_dots_avx512(std::uint8_t const* query, std::uint8_t const* block,
                                                                 index pairs, byte_dots_result& out) {
  __m512i a = _mm512_setzero_si512(), b = a;
  for (index p = 0; p < pairs; ++p, block += 128) {
    __m512i const q = _mm512_set1_epi16(byte_pair(query, p));
    a = _mm512_add_epi16(a, _mm512_maddubs_epi16(_mm512_loadu_si512(block), q));
    b = _mm512_add_epi16(b, _mm512_maddubs_epi16(_mm512_loadu_si512(block + 64), q));
  }
  _mm512_storeu_si512(out.data(), a);
  _mm512_storeu_si512(out.data() + 32, b);
}
#endif

/// out[j] = query . vector j, elements 0 .. 2 pairs - 1.
inline void byte_dots(std::uint8_t const* query, std::uint8_t const* block, index pairs, byte_dots_result& out,
                      simd::isa which = simd::best_isa()) {
#if defined(__x86_64__)
  if (which == simd::isa::avx512) return byte_dots_avx512(query, block, pairs, out);
  if (which == simd::isa::avx2) return byte_dots_avx2(query, block, pairs, out);
#endif
  byte_dots_portable(query, block, pairs, out);
}

}  // namespace amq::detail
