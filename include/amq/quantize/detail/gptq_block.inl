// Bodies of gptq_block.hpp. A vector holds one column of as many rows as it has lanes; a step quantizes eight columns
// one after the other and then takes their errors off the columns after them at once.

constexpr int gptq_step = 8;

inline void widen_ranges(float const* values, index count, float* low, float* high) {
  for (index i = 0; i < count; i += f32::width) {
    f32 const value = f32::load(values + i);
    min(f32::load(low + i), value).store(low + i);
    max(f32::load(high + i), value).store(high + i);
  }
}

/// value - sum of errors[i] * factors[i]
template <int... I>
AMQ_SIMD_INLINE f32 without_errors(f32 value, f32 const* errors, float const* factors,
                                   std::integer_sequence<int, I...>) {
  ((value = fnma(errors[I], f32::broadcast(factors[I]), value)), ...);
  return value;
}

/// Quantizes one column of the rows from `row` on, `value` being what is wanted there; returns its scaled error.
AMQ_SIMD_INLINE f32 gptq_column(amq::detail::gptq_block const& block, index column, index row, f32 value) {
  index const at = column * block.stride + row;
  index const group = block.groups[column] * block.stride + row;
  f32 const scale = f32::load(block.scales + group), zero = f32::load(block.zeros + group);
  f32 const unclamped = round(value / scale) + zero;
  f32 const code = min(max(unclamped, f32::zero()), f32::broadcast(block.highest));
  f32 const quantized = (code - zero) * scale;
  std::uint8_t bytes[f32::width];
  to_int(code).store_u8(bytes);
  std::memcpy(block.codes + at, bytes, sizeof bytes);
  (f32::load(block.weights + at) - quantized).store(block.errors + at);
  return (value - quantized) / f32::broadcast(block.inverse[column * block.inverse_stride + column]);
}

/// Columns [first, first + count), count <= gptq_step; adds the squares of their scaled errors to `total`.
AMQ_SIMD_INLINE void gptq_columns(amq::detail::gptq_block const& block, index first, int count, index row,
                                  float* wanted, f32& total) {
  f32 errors[gptq_step];
  for (int i = 0; i < gptq_step; ++i) errors[i] = f32::zero();
  for (int i = 0; i < count; ++i) {
    f32 value = f32::load(wanted + (first + i) * f32::width);
    float const* const factors = block.inverse + (first + i) * block.inverse_stride + first;
    for (int k = 0; k < i; ++k) value = fnma(errors[k], f32::broadcast(factors[k]), value);
    errors[i] = gptq_column(block, first + i, row, value);
    total = fma(errors[i], errors[i], total);
  }
  for (index column = first + count; column < block.columns; ++column) {
    float* const own = wanted + column * f32::width;
    float const* const factors = block.inverse + column * block.inverse_stride + first;
    without_errors(f32::load(own), errors, factors, std::make_integer_sequence<int, gptq_step>{}).store(own);
  }
}

inline double gptq_quantize_block(amq::detail::gptq_block const& block, index rows, float* scratch) {
  double sum = 0;
  for (index row = 0; row < rows; row += f32::width) {
    for (index column = 0; column < block.columns; ++column)
      f32::load(block.running + column * block.stride + row).store(scratch + column * f32::width);
    f32 total = f32::zero();
    for (index first = 0; first < block.columns; first += gptq_step) {
      index const left = block.columns - first;
      gptq_columns(block, first, left < gptq_step ? static_cast<int>(left) : gptq_step, row, scratch, total);
    }
    sum += double{reduce_add(total)};
  }
  return sum;
}
