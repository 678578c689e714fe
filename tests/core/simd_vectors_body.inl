// Body of simd_vectors_test.cpp: every operation of the vector types, its result in a row of its own.

inline int vector_width() { return f32::width; }

inline void put(f32 value, float*& out) {
  value.store(out);
  out += f32::width;
}
inline void put(i32 value, std::int32_t*& out) {
  value.store(out);
  out += i32::width;
}

inline void f32_operations(float const* pa, float const* pb, float const* pc, float* out) {
  f32 const a = f32::load(pa), b = f32::load(pb), c = f32::load(pc), one = f32::broadcast(1), zero = f32::zero();
  put(a + b, out);
  put(a - b, out);
  put(a * b, out);
  put(a / b, out);
  put(min(a, b), out);
  put(max(a, b), out);
  put(fma(a, b, c), out);
  put(fnma(a, b, c), out);
  put(abs(a), out);
  put(sqrt(abs(a)), out);
  put(round(a), out);
  put(to_float(to_int(a)), out);
  put(select(a < b, one, zero), out);
  put(select(a <= b, one, zero), out);
  put(select(a == b, one, zero), out);
  put(select((a < b) & (b < c), one, zero), out);
  put(select((a < b) | (b < c), one, zero), out);
  put(from_bits(bits_of(a)), out);
  put(scale_by_power(a, round(b)), out);
  put(f32::broadcast(reduce_add(a)), out);
  put(f32::broadcast(reduce_max(a)), out);
}

inline void i32_operations(std::int32_t const* pa, std::int32_t const* pb, std::int32_t* out) {
  i32 const a = i32::load(pa), b = i32::load(pb), one = i32::broadcast(1), zero = i32::broadcast(0);
  put(a + b, out);
  put(a - b, out);
  put(a * b, out);
  put(a & b, out);
  put(a | b, out);
  put(a ^ b, out);
  put(shift_left<3>(a), out);
  put(shift_right<3>(a), out);
  put(select(a == b, one, zero), out);
  put(select(a < b, one, zero), out);
}

inline void bytes_to_words(std::uint8_t const* bytes, std::int32_t* out) { i32::load_u8(bytes).store(out); }
inline void shorts_to_words(std::uint16_t const* shorts, std::int32_t* out) { i32::load_u16(shorts).store(out); }
inline void words_to_bytes(std::int32_t const* words, std::uint8_t* out) { i32::load(words).store_u8(out); }

inline void copy_some(float const* x, float* out, int count) { store_some(load_some(x, count), out, count); }
inline void load_padded(float const* x, float* out, int count) { load_some(x, count).store(out); }
inline bool any_below(float const* x, float bound, int count) {
  return any((f32::load(x) < f32::broadcast(bound)) & first_lanes(count));
}

/// Sums and products of doubles, `count` of which are there; then the halves of a vector of floats.
inline void f64_operations(double const* pa, double const* pb, int count, double* out) {
  f64 const a = load_some(pa, count), b = load_some(pb, count), two = f64::broadcast(2);
  f64 const results[] = {a + b, a - b, a * b, a / (two + b), min(a, b), max(a, b), fma(a, b, two), sqrt(b)};
  for (f64 const& result : results) {
    store_some(result, out, count);
    out += count;
  }
  *out = reduce_add(a);
}
inline int double_width() { return f64::width; }
inline void widen(float const* x, double* out) {
  widen_low(f32::load(x)).store(out);
  widen_high(f32::load(x)).store(out + f64::width);
}
