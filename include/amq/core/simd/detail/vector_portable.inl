// Vectors of four floats or two doubles out of the compiler's vector extension, for any processor. This file also says
// what each operation means; the other sets differ in width and in rounding `fma` once.

/// All bits of a lane set, or none.
struct mask {
  using raw = std::int32_t __attribute__((vector_size(16)));
  raw v;
  AMQ_SIMD_INLINE friend mask operator&(mask a, mask b) { return {a.v & b.v}; }
  AMQ_SIMD_INLINE friend mask operator|(mask a, mask b) { return {a.v | b.v}; }
};

struct i32 {
  using raw = std::int32_t __attribute__((vector_size(16)));
  using unsigned_raw = std::uint32_t __attribute__((vector_size(16)));
  static constexpr int width = 4;
  raw v;

  AMQ_SIMD_INLINE static i32 broadcast(std::int32_t x) { return {raw{x, x, x, x}}; }
  AMQ_SIMD_INLINE static i32 load(std::int32_t const* p) {
    i32 r;
    std::memcpy(&r.v, p, sizeof r.v);
    return r;
  }
  /// `width` bytes, each widened to a lane.
  AMQ_SIMD_INLINE static i32 load_u8(std::uint8_t const* p) { return {raw{p[0], p[1], p[2], p[3]}}; }
  /// `width` 16-bit numbers, each widened to a lane.
  AMQ_SIMD_INLINE static i32 load_u16(std::uint16_t const* p) { return {raw{p[0], p[1], p[2], p[3]}}; }
  AMQ_SIMD_INLINE void store(std::int32_t* p) const { std::memcpy(p, &v, sizeof v); }
  /// The low byte of each lane.
  AMQ_SIMD_INLINE void store_u8(std::uint8_t* p) const {
    for (int i = 0; i < width; ++i) p[i] = static_cast<std::uint8_t>(v[i]);
  }

  AMQ_SIMD_INLINE friend i32 operator+(i32 a, i32 b) { return {a.v + b.v}; }
  AMQ_SIMD_INLINE friend i32 operator-(i32 a, i32 b) { return {a.v - b.v}; }
  AMQ_SIMD_INLINE friend i32 operator*(i32 a, i32 b) { return {a.v * b.v}; }
  AMQ_SIMD_INLINE friend i32 operator&(i32 a, i32 b) { return {a.v & b.v}; }
  AMQ_SIMD_INLINE friend i32 operator|(i32 a, i32 b) { return {a.v | b.v}; }
  AMQ_SIMD_INLINE friend i32 operator^(i32 a, i32 b) { return {a.v ^ b.v}; }
  AMQ_SIMD_INLINE friend mask operator==(i32 a, i32 b) { return {a.v == b.v}; }
  AMQ_SIMD_INLINE friend mask operator<(i32 a, i32 b) { return {a.v < b.v}; }
};
template <int Bits>
AMQ_SIMD_INLINE i32 shift_left(i32 a) {
  return {i32::raw(i32::unsigned_raw(a.v) << Bits)};
}
/// Arithmetic: the sign is repeated.
template <int Bits>
AMQ_SIMD_INLINE i32 shift_right(i32 a) {
  return {a.v >> Bits};
}

struct f32 {
  using raw = float __attribute__((vector_size(16)));
  static constexpr int width = 4;
  raw v;

  AMQ_SIMD_INLINE static f32 zero() { return {raw{}}; }
  AMQ_SIMD_INLINE static f32 broadcast(float x) { return {raw{x, x, x, x}}; }
  AMQ_SIMD_INLINE static f32 load(float const* p) {
    f32 r;
    std::memcpy(&r.v, p, sizeof r.v);
    return r;
  }
  AMQ_SIMD_INLINE void store(float* p) const { std::memcpy(p, &v, sizeof v); }

  AMQ_SIMD_INLINE friend f32 operator+(f32 a, f32 b) { return {a.v + b.v}; }
  AMQ_SIMD_INLINE friend f32 operator-(f32 a, f32 b) { return {a.v - b.v}; }
  AMQ_SIMD_INLINE friend f32 operator*(f32 a, f32 b) { return {a.v * b.v}; }
  AMQ_SIMD_INLINE friend f32 operator/(f32 a, f32 b) { return {a.v / b.v}; }
  AMQ_SIMD_INLINE friend mask operator<(f32 a, f32 b) { return {a.v < b.v}; }
  AMQ_SIMD_INLINE friend mask operator<=(f32 a, f32 b) { return {a.v <= b.v}; }
  AMQ_SIMD_INLINE friend mask operator==(f32 a, f32 b) { return {a.v == b.v}; }
};
/// The first `count` <= width floats, then zeros; nothing beyond them is read.
AMQ_SIMD_INLINE f32 load_some(float const* p, int count) {
  if (count == f32::width) return f32::load(p);
  f32 r = f32::zero();
  for (int i = 0; i < count; ++i) r.v[i] = p[i];
  return r;
}
/// The first `count` <= width lanes; nothing beyond them is written.
AMQ_SIMD_INLINE void store_some(f32 a, float* p, int count) {
  if (count == f32::width) return a.store(p);
  for (int i = 0; i < count; ++i) p[i] = a.v[i];
}
/// Lanes below `count`.
AMQ_SIMD_INLINE mask first_lanes(int count) { return {mask::raw{0, 1, 2, 3} < i32::broadcast(count).v}; }
/// a where the mask is set, else b.
AMQ_SIMD_INLINE f32 select(mask m, f32 a, f32 b) { return {m.v ? a.v : b.v}; }
AMQ_SIMD_INLINE i32 select(mask m, i32 a, i32 b) { return {m.v ? a.v : b.v}; }
/// Whether any lane is set.
AMQ_SIMD_INLINE bool any(mask m) { return (m.v[0] | m.v[1] | m.v[2] | m.v[3]) != 0; }

/// a < b ? a : b, so b when either is not a number (as x86's instruction).
AMQ_SIMD_INLINE f32 min(f32 a, f32 b) { return {a.v < b.v ? a.v : b.v}; }
/// a > b ? a : b, so b when either is not a number (as x86's instruction).
AMQ_SIMD_INLINE f32 max(f32 a, f32 b) { return {a.v > b.v ? a.v : b.v}; }
/// a b + c, rounded once where there is an instruction for it.
AMQ_SIMD_INLINE f32 fma(f32 a, f32 b, f32 c) { return {a.v * b.v + c.v}; }
/// c - a b.
AMQ_SIMD_INLINE f32 fnma(f32 a, f32 b, f32 c) { return {c.v - a.v * b.v}; }
AMQ_SIMD_INLINE i32 bits_of(f32 a) { return {i32::raw(a.v)}; }
AMQ_SIMD_INLINE f32 from_bits(i32 a) { return {f32::raw(a.v)}; }
AMQ_SIMD_INLINE f32 abs(f32 a) { return from_bits(bits_of(a) & i32::broadcast(0x7fffffff)); }
AMQ_SIMD_INLINE f32 sqrt(f32 a) {
  for (int i = 0; i < f32::width; ++i) a.v[i] = std::sqrt(a.v[i]);
  return a;
}
AMQ_SIMD_INLINE f32 to_float(i32 a) { return {__builtin_convertvector(a.v, f32::raw)}; }
/// To the nearest integer, half to even.
AMQ_SIMD_INLINE f32 round(f32 a) {
  f32 const shift = f32::broadcast(0x1p23f);  // above it every float is an integer, so the addition rounds
  f32 const magnitude = abs(a);
  i32 const sign = bits_of(a) & i32::broadcast(std::numeric_limits<std::int32_t>::min());
  f32 const rounded = from_bits(bits_of((magnitude + shift) - shift) | sign);
  return select(magnitude < shift, rounded, a);
}
/// To the nearest integer, half to even; unspecified for a lane outside of std::int32_t.
AMQ_SIMD_INLINE i32 to_int(f32 a) {
  // The language leaves other conversions undefined, and a NaN may be on its way through `scale_by_power`.
  f32 const inside = max(min(round(a), f32::broadcast(0x1.fffffep30f)), f32::broadcast(-0x1p31f));
  return {__builtin_convertvector(inside.v, i32::raw)};
}
/// Sum of all lanes: upper half onto lower half until one is left.
AMQ_SIMD_INLINE float reduce_add(f32 a) { return (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]); }
AMQ_SIMD_INLINE float reduce_max(f32 a) {
  float const low = a.v[0] > a.v[2] ? a.v[0] : a.v[2], high = a.v[1] > a.v[3] ? a.v[1] : a.v[3];
  return low > high ? low : high;
}
/// `width` binary16 numbers.
AMQ_SIMD_INLINE f32 load_f16(std::uint16_t const* p) {
  return {f32::raw{f16_to_f32(p[0]), f16_to_f32(p[1]), f16_to_f32(p[2]), f16_to_f32(p[3])}};
}
/// Rounded half to even.
AMQ_SIMD_INLINE void store_f16(f32 a, std::uint16_t* p) {
  for (int i = 0; i < f32::width; ++i) p[i] = f32_to_f16(a.v[i]);
}
/// 2^n a for whole n in [-252, 254]; subnormal results are rounded.
AMQ_SIMD_INLINE f32 scale_by_power(f32 a, f32 n) {
  i32 const whole = to_int(n), half = shift_right<1>(whole), bias = i32::broadcast(127);
  return a * from_bits(shift_left<23>(half + bias)) * from_bits(shift_left<23>(whole - half + bias));
}
/// a = mantissa 2^exponent with the mantissa in [3/4, 3/2), subnormals included. The exponent of 0 is -infinity, that
/// of infinity infinity; for negative a one of the two is not a number.
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
  using raw = double __attribute__((vector_size(16)));
  static constexpr int width = 2;
  raw v;

  AMQ_SIMD_INLINE static f64 zero() { return {raw{}}; }
  AMQ_SIMD_INLINE static f64 broadcast(double x) { return {raw{x, x}}; }
  AMQ_SIMD_INLINE static f64 load(double const* p) {
    f64 r;
    std::memcpy(&r.v, p, sizeof r.v);
    return r;
  }
  AMQ_SIMD_INLINE void store(double* p) const { std::memcpy(p, &v, sizeof v); }

  AMQ_SIMD_INLINE friend f64 operator+(f64 a, f64 b) { return {a.v + b.v}; }
  AMQ_SIMD_INLINE friend f64 operator-(f64 a, f64 b) { return {a.v - b.v}; }
  AMQ_SIMD_INLINE friend f64 operator*(f64 a, f64 b) { return {a.v * b.v}; }
  AMQ_SIMD_INLINE friend f64 operator/(f64 a, f64 b) { return {a.v / b.v}; }
};
AMQ_SIMD_INLINE f64 load_some(double const* p, int count) {
  f64 r = f64::zero();
  for (int i = 0; i < count; ++i) r.v[i] = p[i];
  return r;
}
AMQ_SIMD_INLINE void store_some(f64 a, double* p, int count) {
  for (int i = 0; i < count; ++i) p[i] = a.v[i];
}
AMQ_SIMD_INLINE f64 min(f64 a, f64 b) { return {a.v < b.v ? a.v : b.v}; }
AMQ_SIMD_INLINE f64 max(f64 a, f64 b) { return {a.v > b.v ? a.v : b.v}; }
AMQ_SIMD_INLINE f64 fma(f64 a, f64 b, f64 c) { return {a.v * b.v + c.v}; }
AMQ_SIMD_INLINE f64 sqrt(f64 a) { return {f64::raw{std::sqrt(a.v[0]), std::sqrt(a.v[1])}}; }
AMQ_SIMD_INLINE double reduce_add(f64 a) { return a.v[0] + a.v[1]; }
/// The lower, and the upper, half of the lanes as doubles.
AMQ_SIMD_INLINE f64 widen_low(f32 a) { return {f64::raw{a.v[0], a.v[1]}}; }
AMQ_SIMD_INLINE f64 widen_high(f32 a) { return {f64::raw{a.v[2], a.v[3]}}; }
