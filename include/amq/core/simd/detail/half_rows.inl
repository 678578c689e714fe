// Body of half_rows.hpp. Whole vectors first, the rest one by one as core/half.hpp does it.

inline void f16_to_f32_row(std::uint16_t const* x, float* out, index n) {
  index i = 0;
  for (; i + f32::width <= n; i += f32::width) load_f16(x + i).store(out + i);
  for (; i < n; ++i) out[i] = f16_to_f32(x[i]);
}

inline void bf16_to_f32_row(std::uint16_t const* x, float* out, index n) {
  index i = 0;
  for (; i + f32::width <= n; i += f32::width) from_bits(shift_left<16>(i32::load_u16(x + i))).store(out + i);
  for (; i < n; ++i) out[i] = bf16_to_f32(x[i]);
}

inline void f32_to_f16_row(float const* x, std::uint16_t* out, index n) {
  index i = 0;
  for (; i + f32::width <= n; i += f32::width) store_f16(f32::load(x + i), out + i);
  for (; i < n; ++i) out[i] = f32_to_f16(x[i]);
}
