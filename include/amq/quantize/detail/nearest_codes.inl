// Nearest codes as floats, for searches that try many scales; compiled for each instruction set.

inline void nearest_codes(float const* values, index size, float minimum, float inverse, float lowest, float highest,
                          float* codes) {
  f32 const offset = f32::broadcast(minimum), factor = f32::broadcast(inverse);
  f32 const low = f32::broadcast(lowest), high = f32::broadcast(highest);
  for (index i = 0; i < size; i += f32::width) {
    int const count = lanes(size - i);
    f32 const wanted = (load_some(values + i, count) + offset) * factor;
    store_some(round(min(max(wanted, low), high)), codes + i, count);
  }
}
