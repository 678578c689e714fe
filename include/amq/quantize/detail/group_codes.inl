// Codes of a group whose scale and zero are known; compiled for each instruction set.

/// The first `count` <= width lanes, whole numbers, clamped to [0, highest]; NaN gives 0.
AMQ_SIMD_INLINE void store_codes(f32 codes, f32 highest, std::uint8_t* out, int count) {
  i32 const clamped = to_int(min(max(codes, f32::zero()), highest));
  if (count == f32::width) return clamped.store_u8(out);
  std::uint8_t all[f32::width];
  clamped.store_u8(all);
  std::memcpy(out, all, static_cast<std::size_t>(count));
}

inline void codes_by_division(float const* weights, index size, float scale, float zero, float highest,
                              std::uint8_t* codes) {
  f32 const divisor = f32::broadcast(scale), offset = f32::broadcast(zero), top = f32::broadcast(highest);
  for (index i = 0; i < size; i += f32::width) {
    int const count = lanes(size - i);
    store_codes(round(load_some(weights + i, count) / divisor) + offset, top, codes + i, count);
  }
}

inline void codes_by_product(float const* weights, index size, float steps, float zero, float highest,
                             std::uint8_t* codes) {
  f32 const factor = f32::broadcast(steps), offset = f32::broadcast(zero), top = f32::broadcast(highest);
  for (index i = 0; i < size; i += f32::width) {
    int const count = lanes(size - i);
    store_codes(round(load_some(weights + i, count) * factor + offset), top, codes + i, count);
  }
}
