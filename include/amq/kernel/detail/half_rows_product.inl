// Products of 16-bit rows with one f32 vector. Body of half_product.hpp.

template <bool Brain>
AMQ_SIMD_INLINE f32 load_half(std::uint16_t const* p) {
  if constexpr (Brain)
    return from_bits(shift_left<16>(i32::load_u16(p)));
  else
    return load_f16(p);
}

template <bool Brain, int... Row>
AMQ_SIMD_INLINE void add_columns(std::uint16_t const* w, index stride, float const* x,
                                 f32 (&sums)[sizeof...(Row)][2], std::integer_sequence<int, Row...>) {
  f32 const first = f32::load(x), second = f32::load(x + f32::width);
  ((sums[Row][0] = fma(first, load_half<Brain>(w + Row * stride), sums[Row][0]),
    sums[Row][1] = fma(second, load_half<Brain>(w + Row * stride + f32::width), sums[Row][1])),
   ...);
}

/// y[r] = row r of w times x for `Rows` rows: two chains a row, then what does not fill two vectors, one by one.
template <bool Brain, int Rows>
inline void half_rows_dot(std::uint16_t const* w, index stride, index cols, float const* x, float* y) {
  f32 sums[Rows][2];
  for (auto& row : sums) row[0] = row[1] = f32::zero();
  index k = 0;
  for (; k + 2 * f32::width <= cols; k += 2 * f32::width)
    add_columns<Brain>(w + k, stride, x + k, sums, std::make_integer_sequence<int, Rows>{});
  for (int r = 0; r < Rows; ++r) {
    float sum = reduce_add(sums[r][0] + sums[r][1]);
    for (index i = k; i < cols; ++i) sum += x[i] * (Brain ? bf16_to_f32(w[r * stride + i]) : f16_to_f32(w[r * stride + i]));
    y[r] = sum;
  }
}

/// y[r] = row r of w times x, r < rows; a row's bits do not depend on its neighbours.
template <bool Brain>
inline void half_gemv(std::uint16_t const* w, index stride, index rows, index cols, float const* x, float* y) {
  index r = 0;
  for (; r + 4 <= rows; r += 4) half_rows_dot<Brain, 4>(w + r * stride, stride, cols, x, y + r);
  for (; r < rows; ++r) half_rows_dot<Brain, 1>(w + r * stride, stride, cols, x, y + r);
}
