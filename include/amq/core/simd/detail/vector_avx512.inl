// Vectors of sixteen floats or eight doubles on AVX-512; vector_portable.inl says what each operation means.
// Many intrinsics appear in their `maskz` form with all lanes on: it is the same instruction, but GCC 12 warns about an
// uninitialised variable inside the plain form.

constexpr __mmask16 all_lanes = 0xffff;
constexpr __mmask8 all_doubles = 0xff;

struct mask {
  __mmask16 v;
  AMQ_SIMD_INLINE friend mask operator&(mask a, mask b) { return {_kand_mask16(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend mask operator|(mask a, mask b) { return {_kor_mask16(a.v, b.v)}; }
};

struct i32 {
  static constexpr int width = 16;
  __m512i v;

  AMQ_SIMD_INLINE static i32 broadcast(std::int32_t x) { return {_mm512_set1_epi32(x)}; }
  AMQ_SIMD_INLINE static i32 load(std::int32_t const* p) { return {_mm512_loadu_si512(p)}; }
  AMQ_SIMD_INLINE static i32 load_u8(std::uint8_t const* p) {
    return {_mm512_maskz_cvtepu8_epi32(all_lanes, _mm_loadu_si128(reinterpret_cast<__m128i const*>(p)))};
  }
  AMQ_SIMD_INLINE static i32 load_u16(std::uint16_t const* p) {
    return {_mm512_maskz_cvtepu16_epi32(all_lanes, _mm256_loadu_si256(reinterpret_cast<__m256i const*>(p)))};
  }
  AMQ_SIMD_INLINE void store(std::int32_t* p) const { _mm512_storeu_si512(p, v); }
  AMQ_SIMD_INLINE void store_u8(std::uint8_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_maskz_cvtepi32_epi8(all_lanes, v));
  }

  AMQ_SIMD_INLINE friend i32 operator+(i32 a, i32 b) { return {_mm512_add_epi32(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend i32 operator-(i32 a, i32 b) { return {_mm512_sub_epi32(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend i32 operator*(i32 a, i32 b) { return {_mm512_mullo_epi32(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend i32 operator&(i32 a, i32 b) { return {_mm512_and_si512(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend i32 operator|(i32 a, i32 b) { return {_mm512_or_si512(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend i32 operator^(i32 a, i32 b) { return {_mm512_xor_si512(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend mask operator==(i32 a, i32 b) { return {_mm512_cmpeq_epi32_mask(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend mask operator<(i32 a, i32 b) { return {_mm512_cmplt_epi32_mask(a.v, b.v)}; }
};
// The type is named for nvcc, which loses the braces otherwise.
template <int Bits>
AMQ_SIMD_INLINE i32 shift_left(i32 a) {
  return i32{_mm512_maskz_slli_epi32(all_lanes, a.v, Bits)};
}
template <int Bits>
AMQ_SIMD_INLINE i32 shift_right(i32 a) {
  return i32{_mm512_maskz_srai_epi32(all_lanes, a.v, Bits)};
}

struct f32 {
  static constexpr int width = 16;
  __m512 v;

  AMQ_SIMD_INLINE static f32 zero() { return {_mm512_setzero_ps()}; }
  AMQ_SIMD_INLINE static f32 broadcast(float x) { return {_mm512_set1_ps(x)}; }
  AMQ_SIMD_INLINE static f32 load(float const* p) { return {_mm512_loadu_ps(p)}; }
  AMQ_SIMD_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }

  AMQ_SIMD_INLINE friend f32 operator+(f32 a, f32 b) { return {_mm512_add_ps(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend f32 operator-(f32 a, f32 b) { return {_mm512_sub_ps(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend f32 operator*(f32 a, f32 b) { return {_mm512_mul_ps(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend f32 operator/(f32 a, f32 b) { return {_mm512_div_ps(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend mask operator<(f32 a, f32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
  AMQ_SIMD_INLINE friend mask operator<=(f32 a, f32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
  AMQ_SIMD_INLINE friend mask operator==(f32 a, f32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
};
AMQ_SIMD_INLINE mask first_lanes(int count) { return {static_cast<__mmask16>((1u << count) - 1u)}; }
AMQ_SIMD_INLINE f32 load_some(float const* p, int count) { return {_mm512_maskz_loadu_ps(first_lanes(count).v, p)}; }
AMQ_SIMD_INLINE void store_some(f32 a, float* p, int count) { _mm512_mask_storeu_ps(p, first_lanes(count).v, a.v); }
AMQ_SIMD_INLINE f32 select(mask m, f32 a, f32 b) { return {_mm512_mask_blend_ps(m.v, b.v, a.v)}; }
AMQ_SIMD_INLINE i32 select(mask m, i32 a, i32 b) { return {_mm512_mask_blend_epi32(m.v, b.v, a.v)}; }
AMQ_SIMD_INLINE bool any(mask m) { return m.v != 0; }

AMQ_SIMD_INLINE f32 min(f32 a, f32 b) { return {_mm512_maskz_min_ps(all_lanes, a.v, b.v)}; }
AMQ_SIMD_INLINE f32 max(f32 a, f32 b) { return {_mm512_maskz_max_ps(all_lanes, a.v, b.v)}; }
AMQ_SIMD_INLINE f32 fma(f32 a, f32 b, f32 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
AMQ_SIMD_INLINE f32 fnma(f32 a, f32 b, f32 c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
AMQ_SIMD_INLINE i32 bits_of(f32 a) { return {_mm512_castps_si512(a.v)}; }
AMQ_SIMD_INLINE f32 from_bits(i32 a) { return {_mm512_castsi512_ps(a.v)}; }
AMQ_SIMD_INLINE f32 abs(f32 a) { return from_bits(bits_of(a) & i32::broadcast(0x7fffffff)); }
AMQ_SIMD_INLINE f32 sqrt(f32 a) { return {_mm512_maskz_sqrt_ps(all_lanes, a.v)}; }
AMQ_SIMD_INLINE f32 to_float(i32 a) { return {_mm512_maskz_cvtepi32_ps(all_lanes, a.v)}; }
AMQ_SIMD_INLINE f32 round(f32 a) {
  return {_mm512_maskz_roundscale_ps(all_lanes, a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
AMQ_SIMD_INLINE i32 to_int(f32 a) { return {_mm512_maskz_cvtps_epi32(all_lanes, a.v)}; }
AMQ_SIMD_INLINE __m256 low_half(f32 a) { return _mm512_maskz_extractf32x8_ps(all_doubles, a.v, 0); }
AMQ_SIMD_INLINE __m256 high_half(f32 a) { return _mm512_maskz_extractf32x8_ps(all_doubles, a.v, 1); }
AMQ_SIMD_INLINE float reduce_add(f32 a) {
  __m256 const eight = _mm256_add_ps(low_half(a), high_half(a));
  __m128 const four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  __m128 const two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
AMQ_SIMD_INLINE float reduce_max(f32 a) {
  __m256 const eight = _mm256_max_ps(low_half(a), high_half(a));
  __m128 const four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  __m128 const two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
AMQ_SIMD_INLINE f32 load_f16(std::uint16_t const* p) {
  return {_mm512_maskz_cvtph_ps(all_lanes, _mm256_loadu_si256(reinterpret_cast<__m256i const*>(p)))};
}
AMQ_SIMD_INLINE void store_f16(f32 a, std::uint16_t* p) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_maskz_cvtps_ph(all_lanes, a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
AMQ_SIMD_INLINE f32 scale_by_power(f32 a, f32 n) { return {_mm512_maskz_scalef_ps(all_lanes, a.v, n.v)}; }
AMQ_SIMD_INLINE void split(f32 a, f32& mantissa, f32& exponent) {
  mantissa = {_mm512_maskz_getmant_ps(all_lanes, a.v, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan)};
  // getexp counts from [1, 2): where the mantissa was halved below 1 one is missing.
  __m512 const whole = _mm512_maskz_getexp_ps(all_lanes, a.v);
  exponent = {_mm512_mask_add_ps(whole, (mantissa < f32::broadcast(1)).v, whole, _mm512_set1_ps(1))};
}

struct f64 {
  static constexpr int width = 8;
  __m512d v;

  AMQ_SIMD_INLINE static f64 zero() { return {_mm512_setzero_pd()}; }
  AMQ_SIMD_INLINE static f64 broadcast(double x) { return {_mm512_set1_pd(x)}; }
  AMQ_SIMD_INLINE static f64 load(double const* p) { return {_mm512_loadu_pd(p)}; }
  AMQ_SIMD_INLINE void store(double* p) const { _mm512_storeu_pd(p, v); }

  AMQ_SIMD_INLINE friend f64 operator+(f64 a, f64 b) { return {_mm512_add_pd(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend f64 operator-(f64 a, f64 b) { return {_mm512_sub_pd(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend f64 operator*(f64 a, f64 b) { return {_mm512_mul_pd(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend f64 operator/(f64 a, f64 b) { return {_mm512_div_pd(a.v, b.v)}; }
};
AMQ_SIMD_INLINE __mmask8 first_doubles(int count) { return static_cast<__mmask8>((1u << count) - 1u); }
AMQ_SIMD_INLINE f64 load_some(double const* p, int count) { return {_mm512_maskz_loadu_pd(first_doubles(count), p)}; }
AMQ_SIMD_INLINE void store_some(f64 a, double* p, int count) { _mm512_mask_storeu_pd(p, first_doubles(count), a.v); }
AMQ_SIMD_INLINE f64 min(f64 a, f64 b) { return {_mm512_maskz_min_pd(all_doubles, a.v, b.v)}; }
AMQ_SIMD_INLINE f64 max(f64 a, f64 b) { return {_mm512_maskz_max_pd(all_doubles, a.v, b.v)}; }
AMQ_SIMD_INLINE f64 fma(f64 a, f64 b, f64 c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
AMQ_SIMD_INLINE f64 sqrt(f64 a) { return {_mm512_maskz_sqrt_pd(all_doubles, a.v)}; }
AMQ_SIMD_INLINE double reduce_add(f64 a) {
  __m256d const four = _mm256_add_pd(_mm512_maskz_extractf64x4_pd(all_doubles, a.v, 0),
                                     _mm512_maskz_extractf64x4_pd(all_doubles, a.v, 1));
  __m128d const two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
AMQ_SIMD_INLINE f64 widen_low(f32 a) { return {_mm512_maskz_cvtps_pd(all_doubles, low_half(a))}; }
AMQ_SIMD_INLINE f64 widen_high(f32 a) { return {_mm512_maskz_cvtps_pd(all_doubles, high_half(a))}; }
