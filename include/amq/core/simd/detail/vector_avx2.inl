// Vectors of eight floats or four doubles on AVX2, FMA and F16C; vector_portable.inl says what each operation means.

struct mask {
  __m256i v;
  AMQ_SIMD_INLINE friend mask operator&(mask a, mask b) { return {_mm256_and_si256(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend mask operator|(mask a, mask b) { return {_mm256_or_si256(a.v, b.v)}; }
};

struct i32 {
  static constexpr int width = 8;
  __m256i v;

  AMQ_SIMD_INLINE static i32 broadcast(std::int32_t x) { return {_mm256_set1_epi32(x)}; }
  AMQ_SIMD_INLINE static i32 load(std::int32_t const* p) {
    return {_mm256_loadu_si256(reinterpret_cast<__m256i const*>(p))};
  }
  AMQ_SIMD_INLINE static i32 load_u8(std::uint8_t const* p) {
    return {_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<__m128i const*>(p)))};
  }
  AMQ_SIMD_INLINE static i32 load_u16(std::uint16_t const* p) {
    return {_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<__m128i const*>(p)))};
  }
  AMQ_SIMD_INLINE void store(std::int32_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  AMQ_SIMD_INLINE void store_u8(std::uint8_t* p) const {
    __m256i const low_bytes = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
                                               0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    __m256i const packed = _mm256_shuffle_epi8(v, low_bytes);
    __m128i const both = _mm_unpacklo_epi32(_mm256_castsi256_si128(packed), _mm256_extracti128_si256(packed, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), both);
  }

  AMQ_SIMD_INLINE friend i32 operator+(i32 a, i32 b) { return {_mm256_add_epi32(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend i32 operator-(i32 a, i32 b) { return {_mm256_sub_epi32(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend i32 operator*(i32 a, i32 b) { return {_mm256_mullo_epi32(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend i32 operator&(i32 a, i32 b) { return {_mm256_and_si256(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend i32 operator|(i32 a, i32 b) { return {_mm256_or_si256(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend i32 operator^(i32 a, i32 b) { return {_mm256_xor_si256(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend mask operator==(i32 a, i32 b) { return {_mm256_cmpeq_epi32(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend mask operator<(i32 a, i32 b) { return {_mm256_cmpgt_epi32(b.v, a.v)}; }
};
// The type is named for nvcc, which loses the braces otherwise.
template <int Bits>
AMQ_SIMD_INLINE i32 shift_left(i32 a) {
  return i32{_mm256_slli_epi32(a.v, Bits)};
}
template <int Bits>
AMQ_SIMD_INLINE i32 shift_right(i32 a) {
  return i32{_mm256_srai_epi32(a.v, Bits)};
}

struct f32 {
  static constexpr int width = 8;
  __m256 v;

  AMQ_SIMD_INLINE static f32 zero() { return {_mm256_setzero_ps()}; }
  AMQ_SIMD_INLINE static f32 broadcast(float x) { return {_mm256_set1_ps(x)}; }
  AMQ_SIMD_INLINE static f32 load(float const* p) { return {_mm256_loadu_ps(p)}; }
  AMQ_SIMD_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }

  AMQ_SIMD_INLINE static mask compared(__m256 m) { return {_mm256_castps_si256(m)}; }
  AMQ_SIMD_INLINE friend f32 operator+(f32 a, f32 b) { return {_mm256_add_ps(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend f32 operator-(f32 a, f32 b) { return {_mm256_sub_ps(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend f32 operator*(f32 a, f32 b) { return {_mm256_mul_ps(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend f32 operator/(f32 a, f32 b) { return {_mm256_div_ps(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend mask operator<(f32 a, f32 b) { return compared(_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)); }
  AMQ_SIMD_INLINE friend mask operator<=(f32 a, f32 b) { return compared(_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)); }
  AMQ_SIMD_INLINE friend mask operator==(f32 a, f32 b) { return compared(_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)); }
};
AMQ_SIMD_INLINE mask first_lanes(int count) {
  return {_mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))};
}
// Masked stores are slow on AMD's processors, hence the branch for a whole vector.
AMQ_SIMD_INLINE f32 load_some(float const* p, int count) {
  return count == f32::width ? f32::load(p) : f32{_mm256_maskload_ps(p, first_lanes(count).v)};
}
AMQ_SIMD_INLINE void store_some(f32 a, float* p, int count) {
  if (count == f32::width) return a.store(p);
  _mm256_maskstore_ps(p, first_lanes(count).v, a.v);
}
AMQ_SIMD_INLINE f32 select(mask m, f32 a, f32 b) { return {_mm256_blendv_ps(b.v, a.v, _mm256_castsi256_ps(m.v))}; }
AMQ_SIMD_INLINE i32 select(mask m, i32 a, i32 b) { return {_mm256_blendv_epi8(b.v, a.v, m.v)}; }
AMQ_SIMD_INLINE bool any(mask m) { return _mm256_movemask_epi8(m.v) != 0; }

AMQ_SIMD_INLINE f32 min(f32 a, f32 b) { return {_mm256_min_ps(a.v, b.v)}; }
AMQ_SIMD_INLINE f32 max(f32 a, f32 b) { return {_mm256_max_ps(a.v, b.v)}; }
AMQ_SIMD_INLINE f32 fma(f32 a, f32 b, f32 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
AMQ_SIMD_INLINE f32 fnma(f32 a, f32 b, f32 c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
AMQ_SIMD_INLINE i32 bits_of(f32 a) { return {_mm256_castps_si256(a.v)}; }
AMQ_SIMD_INLINE f32 from_bits(i32 a) { return {_mm256_castsi256_ps(a.v)}; }
AMQ_SIMD_INLINE f32 abs(f32 a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
AMQ_SIMD_INLINE f32 sqrt(f32 a) { return {_mm256_sqrt_ps(a.v)}; }
AMQ_SIMD_INLINE f32 to_float(i32 a) { return {_mm256_cvtepi32_ps(a.v)}; }
AMQ_SIMD_INLINE f32 round(f32 a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
AMQ_SIMD_INLINE i32 to_int(f32 a) { return {_mm256_cvtps_epi32(a.v)}; }
AMQ_SIMD_INLINE float reduce_add(f32 a) {
  __m128 const four = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  __m128 const two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
AMQ_SIMD_INLINE float reduce_max(f32 a) {
  __m128 const four = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  __m128 const two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
AMQ_SIMD_INLINE f32 load_f16(std::uint16_t const* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<__m128i const*>(p)))};
}
AMQ_SIMD_INLINE void store_f16(f32 a, std::uint16_t* p) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
AMQ_SIMD_INLINE f32 scale_by_power(f32 a, f32 n) {
  i32 const whole = to_int(n), half = shift_right<1>(whole), bias = i32::broadcast(127);
  return a * from_bits(shift_left<23>(half + bias)) * from_bits(shift_left<23>(whole - half + bias));
}
AMQ_SIMD_INLINE void split(f32 a, f32& mantissa, f32& exponent) {
  mask const tiny = a < f32::broadcast(0x1p-126f);
  i32 const bits = bits_of(select(tiny, a * f32::broadcast(0x1p32f), a));
  i32 const whole = shift_right<23>(bits - i32::broadcast(0x3f400000));
  mantissa = from_bits(bits - shift_left<23>(whole));
  f32 const finite = to_float(whole) - select(tiny, f32::broadcast(32), f32::zero());
  f32 const infinity = f32::broadcast(std::numeric_limits<float>::infinity());
  f32 const positive = select(a < infinity, select(f32::zero() < a, finite, f32::zero() - infinity), infinity);
  exponent = select(f32::zero() <= a, positive, f32::broadcast(std::numeric_limits<float>::quiet_NaN()));
}

struct f64 {
  static constexpr int width = 4;
  __m256d v;

  AMQ_SIMD_INLINE static f64 zero() { return {_mm256_setzero_pd()}; }
  AMQ_SIMD_INLINE static f64 broadcast(double x) { return {_mm256_set1_pd(x)}; }
  AMQ_SIMD_INLINE static f64 load(double const* p) { return {_mm256_loadu_pd(p)}; }
  AMQ_SIMD_INLINE void store(double* p) const { _mm256_storeu_pd(p, v); }

  AMQ_SIMD_INLINE friend f64 operator+(f64 a, f64 b) { return {_mm256_add_pd(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend f64 operator-(f64 a, f64 b) { return {_mm256_sub_pd(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend f64 operator*(f64 a, f64 b) { return {_mm256_mul_pd(a.v, b.v)}; }
  AMQ_SIMD_INLINE friend f64 operator/(f64 a, f64 b) { return {_mm256_div_pd(a.v, b.v)}; }
};
AMQ_SIMD_INLINE __m256i first_doubles(int count) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
}
AMQ_SIMD_INLINE f64 load_some(double const* p, int count) { return {_mm256_maskload_pd(p, first_doubles(count))}; }
AMQ_SIMD_INLINE void store_some(f64 a, double* p, int count) { _mm256_maskstore_pd(p, first_doubles(count), a.v); }
AMQ_SIMD_INLINE f64 min(f64 a, f64 b) { return {_mm256_min_pd(a.v, b.v)}; }
AMQ_SIMD_INLINE f64 max(f64 a, f64 b) { return {_mm256_max_pd(a.v, b.v)}; }
AMQ_SIMD_INLINE f64 fma(f64 a, f64 b, f64 c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
AMQ_SIMD_INLINE f64 sqrt(f64 a) { return {_mm256_sqrt_pd(a.v)}; }
AMQ_SIMD_INLINE double reduce_add(f64 a) {
  __m128d const two = _mm_add_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
AMQ_SIMD_INLINE f64 widen_low(f32 a) { return {_mm256_cvtps_pd(_mm256_castps256_ps128(a.v))}; }
AMQ_SIMD_INLINE f64 widen_high(f32 a) { return {_mm256_cvtps_pd(_mm256_extractf128_ps(a.v, 1))}; }
