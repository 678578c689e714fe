// Codes of packed tiles to f32, and products with them, a vector of rows at a time. Body of paths/vectors.hpp.
//
// A quad's bytes are row after row, four inputs each, so that a 32-bit lane is a row: an input's codes are one shift
// and one mask away. Zeros are taken off before anything is multiplied: f32 then is as exact as it can be, and a NaN
// or an infinity goes where the plain reference has it.

constexpr int row_vectors = static_cast<int>(tile_layout::tile_rows) / f32::width;

/// The part of the codes of input `Input` that piece `Piece` of quad `Quad` holds, for `width` rows from `unit` on.
template <int Bits, int Quad, int Input, int Piece>
AMQ_SIMD_INLINE i32 load_piece(std::uint8_t const* unit) {
  constexpr code_piece piece = tile_layout{Bits, 32}.quads()[Quad].pieces[Piece];
  i32 const lanes = i32::load(reinterpret_cast<std::int32_t const*>(unit + tile_layout::vector_bytes * piece.vector));
  return shift_left<piece.to>(shift_right<8 * Input + piece.from>(lanes) & i32::broadcast((1 << piece.width) - 1));
}

/// The codes of input `Input` of quad `Quad` less their zeros.
template <int Bits, int Quad, int Input>
AMQ_SIMD_INLINE f32 load_codes(std::uint8_t const* unit, f32 zeros) {
  constexpr int count = tile_layout{Bits, 32}.quads()[Quad].count;
  i32 codes = load_piece<Bits, Quad, Input, 0>(unit);
  if constexpr (count > 1) codes = codes | load_piece<Bits, Quad, Input, 1>(unit);
  if constexpr (count > 2) codes = codes | load_piece<Bits, Quad, Input, 2>(unit);
  return to_float(codes) - zeros;
}

template <int Bits, int... At>
AMQ_SIMD_INLINE void add_unit(std::uint8_t const* unit, float const* x, f32 zeros, f32 (&sums)[4],
                              std::integer_sequence<int, At...>) {
  ((sums[At % 4] = fma(f32::broadcast(x[At]), load_codes<Bits, At / 4, At % 4>(unit, zeros), sums[At % 4])), ...);
}

/// Sums over a block's inputs of (code - zero) x, for `width` rows from `codes` on; four chains hide the latency.
template <int Bits>
AMQ_SIMD_INLINE f32 block_dot(std::uint8_t const* codes, int group, float const* x, f32 zeros) {
  constexpr tile_layout layout{Bits, 32};
  constexpr int unit_inputs = 4 * layout.unit_quads();
  f32 sums[4] = {f32::zero(), f32::zero(), f32::zero(), f32::zero()};
  for (int k = 0; k < group; k += unit_inputs, codes += tile_layout::vector_bytes * layout.unit_vectors())
    add_unit<Bits>(codes, x + k, zeros, sums, std::make_integer_sequence<int, unit_inputs>{});
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// y[r] = row r of a tile times x, r < 16; `block` is the tile's first.
template <int Bits>
inline void gemv_tile(std::uint8_t const* block, index groups, int group, float const* x, float* y) {
  tile_layout const layout{Bits, group};
  f32 totals[row_vectors];
  for (f32& total : totals) total = f32::zero();
  for (index g = 0; g < groups; ++g, block += layout.block_bytes(), x += group) {
    // Into the second level: its queue to memory is longer than the first one's.
    for (index at = 0; at < layout.block_bytes(); at += 64) __builtin_prefetch(block + 4096 + at, 0, 2);
    std::uint8_t const* const parameters = block + layout.code_bytes();
    for (int v = 0; v < row_vectors; ++v) {
      std::uint16_t halves[2][f32::width];
      std::memcpy(halves[0], parameters + 2 * f32::width * v, sizeof halves[0]);
      std::memcpy(halves[1], parameters + 2 * tile_layout::tile_rows + 2 * f32::width * v, sizeof halves[1]);
      f32 const dot = block_dot<Bits>(block + 4 * f32::width * v, group, x, load_f16(halves[1]));
      totals[v] = fma(dot, load_f16(halves[0]), totals[v]);
    }
  }
  for (int v = 0; v < row_vectors; ++v) totals[v].store(y + f32::width * v);
}

template <int Bits, int... At>
AMQ_SIMD_INLINE void decode_unit(std::uint8_t const* unit, f32 scales, f32 zeros, float* out, index stride,
                                 std::integer_sequence<int, At...>) {
  ((load_codes<Bits, At / 4, At % 4>(unit, zeros) * scales).store(out + At * stride), ...);
}

/// A block's values: element k of row r at (r / panel) panel_stride + k panel + r % panel, for panels of `panel` rows,
/// panel >= width.
template <int Bits>
inline void decode_block(std::uint8_t const* block, int group, float* out, index panel, index panel_stride) {
  constexpr tile_layout unit{Bits, 32};
  constexpr int unit_inputs = 4 * unit.unit_quads();
  std::uint8_t const* const parameters = block + tile_layout{Bits, group}.code_bytes();
  for (int v = 0; v < row_vectors; ++v) {
    std::uint16_t halves[2][f32::width];
    std::memcpy(halves[0], parameters + 2 * f32::width * v, sizeof halves[0]);
    std::memcpy(halves[1], parameters + 2 * tile_layout::tile_rows + 2 * f32::width * v, sizeof halves[1]);
    f32 const scales = load_f16(halves[0]), zeros = load_f16(halves[1]);
    index const row = index{v} * f32::width;
    float* to = out + row / panel * panel_stride + row % panel;
    std::uint8_t const* codes = block + 4 * row;
    for (int k = 0; k < group; k += unit_inputs, to += unit_inputs * panel) {
      decode_unit<Bits>(codes, scales, zeros, to, panel, std::make_integer_sequence<int, unit_inputs>{});
      codes += tile_layout::vector_bytes * unit.unit_vectors();
    }
  }
}
