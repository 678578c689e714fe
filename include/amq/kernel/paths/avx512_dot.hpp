// Products of packed tiles with bf16 and int8 activations by AVX-512's dot products (BF16, VNNI).
//
// A 64-byte vector is a quad: 16 rows, four inputs each. int8 multiplies it as it is with four activations in a 32-bit
// word. bf16 takes it apart into two vectors of 16-bit lanes, inputs (0, 2) and (1, 3), whose codes become bf16 by a
// table; activations are laid out to match. One token's bf16 are whole numbers of 16 bits instead, multiplied as two
// bytes each. Zeros are taken off a group at a time: dot - zero * sum of activations.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/tiled_matrix.hpp"

namespace amq::paths {

/// Activations laid out for dot products, group after group and in a group token after token. Owns nothing.
struct dot_rows {
  std::uint8_t const* values;  ///< 2 group bytes of bf16, or group bytes of int8, a (group, token)
  float const* scales;         ///< of all but bf16, one a (group, token)
  float const* sums;           ///< of the values, one a (group, token)
  index tokens;
};

}  // namespace amq::paths

#if defined(__x86_64__)
#include <immintrin.h>

namespace amq::paths {

namespace detail {

/// Codes of `Bits` bits from bit `Offset` of an index as bf16; an index's other bits are somebody else's.
template <int Bits, int Offset>
constexpr auto bf16_codes() {
  std::array<std::uint16_t, Bits == 6 ? 64 : 32> table{};
  for (unsigned i = 0; i < table.size(); ++i)
    table[i] = f32_to_bf16(static_cast<float>((i >> Offset) & ((1u << Bits) - 1)));
  return table;
}
template <int Bits, int Offset>
alignas(64) inline constexpr auto bf16_table = bf16_codes<Bits, Offset>();

}  // namespace detail

#if defined(__clang__)
#pragma clang attribute push(                                                                                         \
        __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,avx512vbmi,avx2,fma,f16c"))), \
            apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,avx512vbmi,avx2,fma,f16c")
#endif

namespace detail {

#define AMQ_DOT_INLINE [[gnu::always_inline]] inline

template <int Bits, int Quad>
inline constexpr auto quad_pieces_of = tile_layout{Bits, 32}.quads()[Quad];

/// A quad's codes, a byte each.
template <int Bits, int Quad, int Piece = 0>
AMQ_DOT_INLINE __m512i quad_bytes(std::uint8_t const* unit) {
  constexpr auto quad = quad_pieces_of<Bits, Quad>;
  constexpr code_piece piece = quad.pieces[Piece];
  __m512i v = _mm512_loadu_si512(unit + tile_layout::vector_bytes * piece.vector);
  if constexpr (piece.from > 0) v = _mm512_srli_epi16(v, piece.from);
  if constexpr (piece.width < 8) v = _mm512_and_si512(v, _mm512_set1_epi8((1 << piece.width) - 1));
  if constexpr (piece.to > 0) v = _mm512_slli_epi16(v, piece.to);
  if constexpr (Piece + 1 < quad.count) v = _mm512_or_si512(v, quad_bytes<Bits, Quad, Piece + 1>(unit));
  return v;
}

/// Codes from bit `From` of each 16-bit lane as bf16.
template <int Bits, int From>
AMQ_DOT_INLINE __m512i look_up(__m512i v) {
  // Two bits' neighbours share a shift: the table may skip what lies below.
  constexpr int offset = Bits == 2 ? From % 4 : 0, shift = From - offset;
  auto const* const table = bf16_table<Bits, offset>.data();
  if constexpr (shift > 0) v = _mm512_srli_epi16(v, shift);
  if constexpr (Bits == 6)
    return _mm512_permutex2var_epi16(_mm512_load_si512(table), v, _mm512_load_si512(table + 32));
  else
    return _mm512_maskz_permutexvar_epi16(~__mmask32{}, v, _mm512_load_si512(table));
}

/// A quad's inputs (0, 2), or (1, 3) if `Odd`, as pairs of bf16.
template <int Bits, int Quad, int Odd>
AMQ_DOT_INLINE __m512i bf16_pairs(std::uint8_t const* unit) {
  constexpr auto quad = quad_pieces_of<Bits, Quad>;
  if constexpr (Bits == 8) {  // whole numbers below 256 end in the upper half of an f32
    __m512i const v = _mm512_loadu_si512(unit), byte = _mm512_set1_epi32(0xff);
    __m512i const low = _mm512_and_si512(Odd != 0 ? _mm512_maskz_srli_epi32(0xffff, v, 8) : v, byte);
    __m512i const high = _mm512_and_si512(_mm512_maskz_srli_epi32(0xffff, v, 16 + 8 * Odd), byte);
    return _mm512_or_si512(
        _mm512_maskz_srli_epi32(0xffff, _mm512_castps_si512(_mm512_maskz_cvtepi32_ps(0xffff, low)), 16),
        _mm512_castps_si512(_mm512_maskz_cvtepi32_ps(0xffff, high)));
  } else if constexpr (quad.count == 1) {
    constexpr code_piece piece = quad.pieces[0];
    return look_up<Bits, piece.from + 8 * Odd>(_mm512_loadu_si512(unit + tile_layout::vector_bytes * piece.vector));
  } else {
    return look_up<Bits, 8 * Odd>(quad_bytes<Bits, Quad>(unit));
  }
}

AMQ_DOT_INLINE __m512i broadcast_word(std::uint8_t const* p) {
  std::int32_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return _mm512_set1_epi32(word);
}

AMQ_DOT_INLINE __m512 load_halves(std::uint8_t const* p) {
  return _mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(reinterpret_cast<__m256i const*>(p)));
}

/// How bf16 multiplies: what an accumulator is, and the vectors of a quad.
struct bf16_dot {
  using sum = __m512;
  static constexpr int quad_vectors = 2;  ///< and words of activations
  static constexpr bool scaled = false;
  AMQ_DOT_INLINE static sum zero() { return _mm512_setzero_ps(); }
  AMQ_DOT_INLINE static sum dot(sum s, __m512i codes, std::uint8_t const* x) {
    __m512i word = broadcast_word(x);
#if defined(__clang__)
    asm("" : "+v"(word));  // clang 16 crashes where it knows that all pairs are one
#endif
    return _mm512_dpbf16_ps(s, (__m512bh)codes, (__m512bh)word);
  }
  AMQ_DOT_INLINE static __m512 value(sum s) { return s; }
  template <int Bits, int At>
  AMQ_DOT_INLINE static __m512i vector(std::uint8_t const* unit) {
    return bf16_pairs<Bits, At / 2, At % 2>(unit);
  }
};

struct int8_dot {
  using sum [[gnu::vector_size(64)]] = std::int32_t;  // an array of __m512i would be spilled, in a loop, by g++ 12
  static constexpr int quad_vectors = 1;
  static constexpr int word_bytes = 4;
  static constexpr bool scaled = true;
  AMQ_DOT_INLINE static sum zero() { return sum{}; }
  AMQ_DOT_INLINE static sum dot(sum s, __m512i codes, std::uint8_t const* x) {
    return (sum)_mm512_dpbusd_epi32((__m512i)s, codes, broadcast_word(x));
  }
  AMQ_DOT_INLINE static sum add(sum a, sum b) { return a + b; }
  AMQ_DOT_INLINE static __m512 value(sum s) { return _mm512_maskz_cvtepi32_ps(0xffff, (__m512i)s); }
  template <int Bits, int At>
  AMQ_DOT_INLINE static __m512i vector(std::uint8_t const* unit) {
    return quad_bytes<Bits, At>(unit);
  }
};

/// Rows' totals and a group's: total + scale * (dot - zero * sum), times the activations' scale.
template <class Dot>
AMQ_DOT_INLINE __m512 add_group(__m512 total, __m512 dot, __m512 scales, __m512 zeros, float sum, float const* scale) {
  __m512 const centred = _mm512_fnmadd_ps(zeros, _mm512_set1_ps(sum), dot);
  if constexpr (Dot::scaled) scales = _mm512_mul_ps(scales, _mm512_set1_ps(*scale));
  return _mm512_fmadd_ps(centred, scales, total);
}

/// Numbers of 16 bits as two bytes, the lower one signed: one token's bf16 loses next to nothing, and a quad of codes
/// is multiplied as it is, which is faster than to take it apart.
struct wide_dot {
  struct sum {
    int8_dot::sum high, low;
  };
  static constexpr int quad_vectors = 1;
  static constexpr int word_bytes = 8;
  static constexpr bool scaled = true;
  AMQ_DOT_INLINE static sum zero() { return {int8_dot::zero(), int8_dot::zero()}; }
  AMQ_DOT_INLINE static sum dot(sum s, __m512i codes, std::uint8_t const* x) {
    return {int8_dot::dot(s.high, codes, x), int8_dot::dot(s.low, codes, x + 4)};
  }
  AMQ_DOT_INLINE static sum add(sum a, sum b) { return {a.high + b.high, a.low + b.low}; }
  AMQ_DOT_INLINE static __m512 value(sum s) { return int8_dot::value(256 * s.high + s.low); }
  template <int Bits, int At>
  AMQ_DOT_INLINE static __m512i vector(std::uint8_t const* unit) {
    return quad_bytes<Bits, At>(unit);
  }
};

template <class Dot, int Bits, int... At>
AMQ_DOT_INLINE void dot_unit(std::uint8_t const* unit, std::uint8_t const* x, typename Dot::sum (&sums)[4],
                             std::integer_sequence<int, At...>) {
  ((sums[At % 4] = Dot::dot(sums[At % 4], Dot::template vector<Bits, At>(unit), x + Dot::word_bytes * At)), ...);
}

/// y[r] = row r of a tile times one token, r < 16.
template <class Dot, int Bits>
inline void gemv_tile(std::uint8_t const* block, index groups, int group, dot_rows const& x, float* y) {
  constexpr index ahead = 4096;  // bytes, into the second level: its queue to memory is longer than the first one's
  constexpr tile_layout unit{Bits, 32};
  constexpr int vectors = Dot::quad_vectors * unit.unit_quads();
  index const units = group / 4 / unit.unit_quads();
  std::uint8_t const* words = x.values;
  __m512 total = _mm512_setzero_ps();
  for (index g = 0; g < groups; ++g) {
    typename Dot::sum sums[4] = {Dot::zero(), Dot::zero(), Dot::zero(), Dot::zero()};
    for (index u = 0; u < units; ++u, words += Dot::word_bytes * vectors) {
      for (int v = 0; v < unit.unit_vectors(); ++v)
        __builtin_prefetch(block + ahead + tile_layout::vector_bytes * v, 0, 2);
      dot_unit<Dot, Bits>(block, words, sums, std::make_integer_sequence<int, vectors>{});
      block += tile_layout::vector_bytes * unit.unit_vectors();
    }
    __builtin_prefetch(block + ahead, 0, 2);
    __m512 const dot = Dot::value(Dot::add(Dot::add(sums[0], sums[1]), Dot::add(sums[2], sums[3])));
    total = add_group<Dot>(total, dot, load_halves(block), load_halves(block + 32), x.sums[g], x.scales + g);
    block += tile_layout::parameter_bytes;
  }
  _mm512_storeu_ps(y, total);
}

/// Fetches the lines of floats that will be written.
inline void prefetch_written(float* p, index count) {
  for (index i = 0; i < count; i += 16) __builtin_prefetch(p + i, 1);
}

/// Two tiles' blocks as a kernel multiplies them: vector by vector, the tiles in turn; then scales and zeros in f32.
struct dot_panel {
  alignas(64) std::uint8_t vectors[128 * 64];
  alignas(64) float scales[32];
  alignas(64) float zeros[32];
};

template <class Dot, int Bits, int... At>
AMQ_DOT_INLINE void decode_unit(std::uint8_t const* unit, std::uint8_t* out, std::integer_sequence<int, At...>) {
  (_mm512_store_si512(out + 128 * At, Dot::template vector<Bits, At>(unit)), ...);
}

template <class Dot, int Bits>
inline void decode_block(std::uint8_t const* block, int group, int half, dot_panel& panel) {
  constexpr tile_layout unit{Bits, 32};
  constexpr int vectors = Dot::quad_vectors * unit.unit_quads();
  std::uint8_t* out = panel.vectors + 64 * half;
  for (int u = 0; u < group / 4 / unit.unit_quads(); ++u, out += 128 * vectors) {
    decode_unit<Dot, Bits>(block, out, std::make_integer_sequence<int, vectors>{});
    block += tile_layout::vector_bytes * unit.unit_vectors();
  }
  _mm512_store_ps(panel.scales + 16 * half, load_halves(block));
  _mm512_store_ps(panel.zeros + 16 * half, load_halves(block + 32));
}

template <class Dot, int Tokens>
struct dot_sums {
  typename Dot::sum of[Tokens][2];
};

template <class Dot, int Tokens, int... Token>
AMQ_DOT_INLINE void dot_step(dot_sums<Dot, Tokens>& s, std::uint8_t const* codes, std::uint8_t const* x, index stride,
                             std::integer_sequence<int, Token...>) {
  __m512i const low = _mm512_load_si512(codes), high = _mm512_load_si512(codes + 64);
  ((s.of[Token][0] = Dot::dot(s.of[Token][0], low, x + Token * stride),
    s.of[Token][1] = Dot::dot(s.of[Token][1], high, x + Token * stride)),
   ...);
}

template <class Dot, int Tokens, int... Token>
AMQ_DOT_INLINE void clear_sums(dot_sums<Dot, Tokens>& s, std::integer_sequence<int, Token...>) {
  ((s.of[Token][0] = s.of[Token][1] = Dot::zero()), ...);
}

template <class Dot>
AMQ_DOT_INLINE void store_token(typename Dot::sum low, typename Dot::sum high, dot_panel const& panel, float sum,
                                float const* scale, float* total) {
  __m512 const a = _mm512_load_ps(total), b = _mm512_load_ps(total + 16);
  __m512 const scales = _mm512_load_ps(panel.scales), zeros = _mm512_load_ps(panel.zeros);
  _mm512_store_ps(total, add_group<Dot>(a, Dot::value(low), scales, zeros, sum, scale));
  _mm512_store_ps(total + 16, add_group<Dot>(b, Dot::value(high), _mm512_load_ps(panel.scales + 16),
                                             _mm512_load_ps(panel.zeros + 16), sum, scale));
}

template <class Dot, int Tokens, int... Token>
AMQ_DOT_INLINE void store_sums(dot_sums<Dot, Tokens> const& s, dot_panel const& panel, float const* sums,
                               float const* scales, float* totals, std::integer_sequence<int, Token...>) {
  (store_token<Dot>(s.of[Token][0], s.of[Token][1], panel, sums[Token], scales + (Dot::scaled ? Token : 0),
                    totals + 32 * Token),
   ...);
}

/// totals (Tokens, 32) += a panel times a group of `Tokens` tokens; an element's sum is one chain whatever `Tokens` is.
template <class Dot, int Tokens>
inline void multiply_group(dot_panel const& panel, int words, std::uint8_t const* x, float const* sums,
                           float const* scales, float* totals) {
  constexpr std::make_integer_sequence<int, Tokens> all{};
  dot_sums<Dot, Tokens> s;
  clear_sums(s, all);
  for (int word = 0; word < words; ++word) dot_step(s, panel.vectors + 128 * word, x + 4 * word, 4 * words, all);
  store_sums(s, panel, sums, scales, totals, all);
}

/// Tokens whose sums are in registers: 24 of them, beside two vectors of codes and a word of activations.
constexpr int dot_tokens = 12;

template <class Dot, int Tokens = dot_tokens>
inline void multiply_some(index tokens, dot_panel const& panel, int words, std::uint8_t const* x, float const* sums,
                          float const* scales, float* totals) {
  if constexpr (Tokens > 1) {
    if (tokens < Tokens) return multiply_some<Dot, Tokens - 1>(tokens, panel, words, x, sums, scales, totals);
  }
  multiply_group<Dot, Tokens>(panel, words, x, sums, scales, totals);
}

/// totals (panel, token, 32) += each panel times group `g` of all tokens. A few tokens meet all panels before the next
/// few do, so that they come from the second-level cache once.
template <class Dot>
inline void multiply_panels(std::span<dot_panel const> panels, int group, index g, dot_rows const& x, float* totals) {
  int const words = group / 4 * Dot::quad_vectors;
  index count = 0;
  for (index token = 0; token < x.tokens; token += count) {
    index const left = x.tokens - token, rounds = (left + dot_tokens - 1) / dot_tokens;
    count = (left + rounds - 1) / rounds;  // of nearly one size rather than full ones and a sliver
    index const at = g * x.tokens + token;
    float* to = totals + 32 * token;
    for (dot_panel const& panel : panels) {
      multiply_some<Dot>(count, panel, words, x.values + 4 * words * at, x.sums + at, x.scales + (Dot::scaled ? at : 0),
                         to);
      to += 32 * x.tokens;
    }
  }
}

/// bf16 of a group of activations, each quad as inputs (0, 2), (1, 3); returns their sum.
inline float prepare_bf16(float const* x, int group, std::uint8_t* out) {
  __m512 sum = _mm512_setzero_ps();
  for (int k = 0; k < group; k += 16, out += 32) {
    __m256i const half = (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x + k));
    sum = _mm512_add_ps(
        sum, _mm512_castsi512_ps(_mm512_maskz_slli_epi32(0xffff, _mm512_maskz_cvtepu16_epi32(0xffff, half), 16)));
    __m256i const swapped = _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(half, 0xd8), 0xd8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), swapped);
  }
  alignas(64) float lanes[16];
  _mm512_store_ps(lanes, sum);
  float total = 0;
  for (float const lane : lanes) total += lane;
  return total;
}

/// What a group's activations are divided by so that they become whole numbers within `most`; 0 where there is nothing
/// but zeros, a NaN with a NaN or an infinity.
inline float step_of(float const* x, int group, float most) {
  __m512 largest = _mm512_setzero_ps();
  unsigned odd = 0;
  for (int k = 0; k < group; k += 16) {
    __m512 const v = _mm512_loadu_ps(x + k);
    odd |= _mm512_fpclass_ps_mask(v, 0x99);  // NaNs and infinities
    largest = _mm512_maskz_max_ps(0xffff, largest, _mm512_abs_ps(v));
  }
  alignas(64) float lanes[16];
  _mm512_store_ps(lanes, largest);
  return odd != 0 ? std::numeric_limits<float>::quiet_NaN() : *std::max_element(lanes, lanes + 16) / most;
}

AMQ_DOT_INLINE __m512i whole_numbers(__m512 x, __m512 step, float most) {
  __m512 const steps = _mm512_div_ps(x, step), low = _mm512_set1_ps(-most), high = _mm512_set1_ps(most);
  return _mm512_maskz_cvtps_epi32(0xffff, _mm512_maskz_min_ps(0xffff, _mm512_maskz_max_ps(0xffff, steps, low), high));
}

inline float sum_of(__m512i lanes) {
  alignas(64) std::int32_t values[16];
  _mm512_store_si512(values, lanes);
  int sum = 0;
  for (int const value : values) sum += value;
  return static_cast<float>(sum);
}

/// int8 of a group of activations and their scale; returns their sum. With a NaN or an infinity the scale is a NaN.
inline float prepare_int8(float const* x, int group, std::uint8_t* out, float& scale) {
  scale = step_of(x, group, 127);
  if (!(scale > 0)) {
    std::memset(out, 0, static_cast<std::size_t>(group));
    return 0;
  }
  __m512i sum = _mm512_setzero_si512();
  for (int k = 0; k < group; k += 16) {
    __m512i const v = whole_numbers(_mm512_loadu_ps(x + k), _mm512_set1_ps(scale), 127);
    sum = _mm512_add_epi32(sum, v);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + k), _mm512_maskz_cvtepi32_epi8(0xffff, v));
  }
  return sum_of(sum);
}

/// A group of activations rounded to bf16, then to 16 bits: of each quad the higher bytes, then the lower ones, which
/// are signed. Returns their sum; with a NaN or an infinity the scale is a NaN.
inline float prepare_wide(float const* x, int group, std::uint8_t* out, float& scale) {
  constexpr float most = 127 * 256;
  alignas(64) float rounded[128];
  for (int k = 0; k < group; k += 16) {
    __m256i const half = (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x + k));
    _mm512_store_si512(rounded + k, _mm512_maskz_slli_epi32(0xffff, _mm512_maskz_cvtepu16_epi32(0xffff, half), 16));
  }
  scale = step_of(rounded, group, most);
  if (!(scale > 0)) {
    std::memset(out, 0, 2 * static_cast<std::size_t>(group));
    return 0;
  }
  __m512i sum = _mm512_setzero_si512();
  for (int k = 0; k < group; k += 16, out += 32) {
    __m512i const v = whole_numbers(_mm512_load_ps(rounded + k), _mm512_set1_ps(scale), most);
    sum = _mm512_add_epi32(sum, v);
    __m512i const high = _mm512_maskz_srai_epi32(0xffff, _mm512_add_epi32(v, _mm512_set1_epi32(128)), 8);
    __m128i const highs = _mm512_maskz_cvtepi32_epi8(0xffff, high), lows = _mm512_maskz_cvtepi32_epi8(0xffff, v);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_unpacklo_epi32(highs, lows));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 16), _mm_unpackhi_epi32(highs, lows));
  }
  return sum_of(sum);
}

#undef AMQ_DOT_INLINE

}  // namespace detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

/// `Dot`: detail::int8_dot; of bf16 detail::wide_dot for gemv and detail::bf16_dot for gemm.
template <class Dot, int Bits>
struct avx512_dot {
  /// y[r] = row r of w times the one token of x for the rows of tiles [first, last).
  static void gemv(tiled_view const& w, dot_rows const& x, float* y, index first, index last) {
    for (index tile = first; tile < last; ++tile) {
      alignas(64) float rows[tile_layout::tile_rows];
      detail::gemv_tile<Dot, Bits>(w.block(tile, 0), w.groups(), w.layout.group, x, rows);
      index const row = tile * tile_layout::tile_rows;
      std::copy_n(rows, std::min(tile_layout::tile_rows, w.rows - row), y + row);
    }
  }

  /// y (tokens, rows) = x w^T for the rows of tiles [first, last). An element's bits depend on its token and its row.
  static void gemm(tiled_view const& w, dot_rows const& x, matrix_view<float> y, index first, index last) {
    matrix<float> totals(most_pairs * x.tokens, 2 * tile_layout::tile_rows);
    std::vector<detail::dot_panel> panels(most_pairs);
    for (index tile = first; tile < last; tile += 2 * most_pairs)
      multiply_pairs(w, tile, std::min(tile + 2 * most_pairs, last), x, y, panels, totals.data());
  }

 private:
  /// Pairs of tiles whose panels of one group stay in the first-level cache while all tokens pass by.
  static constexpr index most_pairs = 4;

  /// The same for no more than `most_pairs` pairs; the last may be one tile twice.
  static void multiply_pairs(tiled_view const& w, index first, index last, dot_rows const& x, matrix_view<float> y,
                             std::span<detail::dot_panel> panels, float* totals) {
    index const pairs = (last - first + 1) / 2, row = first * tile_layout::tile_rows;
    index const rows = std::min(last * tile_layout::tile_rows, w.rows) - row;
    panels = panels.first(static_cast<std::size_t>(pairs));
    std::fill_n(totals, 32 * pairs * y.rows, 0.0f);
    for (index g = 0; g < w.groups(); ++g) {
      // The result's lines are fetched a few a group, for they are written all at once.
      for (index i = y.rows * g / w.groups(); i < y.rows * (g + 1) / w.groups(); ++i)
        detail::prefetch_written(y.row(i).data() + row, rows);
      for (index i = 0; i < 2 * pairs; ++i)
        detail::decode_block<Dot, Bits>(w.block(std::min(first + i, last - 1), g), w.layout.group,
                                        static_cast<int>(i % 2), panels[static_cast<std::size_t>(i / 2)]);
      detail::multiply_panels<Dot>(panels, w.layout.group, g, x, totals);
    }
    for (index i = 0; i < y.rows; ++i)
      for (index column = 0; column < rows; column += 32)
        std::copy_n(totals + column * y.rows + 32 * i, std::min<index>(32, rows - column),
                    y.row(i).data() + row + column);
  }
};

}  // namespace amq::paths
#endif
