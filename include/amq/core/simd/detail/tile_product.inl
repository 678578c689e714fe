// The product's inner kernel: a tile of C (+)= A B that stays in registers while k runs. Body of tile_product.hpp.
//
// A is read as it lies, one element broadcast at a time. B is packed: `tile_cols` columns side by side for each k, so
// that it is read from front to back. Every element of C is one chain of fused multiply-adds over k in order: its bits
// depend on its row of A and its column of B alone, not on the tile it happens to be in.

/// Rows and vectors of a full tile: as many accumulators as the registers hold beside a row of B and one element of A.
constexpr int tile_rows = f32::width == 16 ? 14 : 6;
constexpr int tile_vectors = 2;
constexpr int tile_cols = tile_vectors * f32::width;

template <int Rows>
struct tile {
  f32 sums[Rows][tile_vectors];
};

template <int Row, int... Vector, int Rows>
AMQ_SIMD_INLINE void accumulate_row(tile<Rows>& c, f32 const (&b)[tile_vectors], float const* a,
                                    std::integer_sequence<int, Vector...>) {
  f32 const x = f32::broadcast(*a);
  ((c.sums[Row][Vector] = fma(x, b[Vector], c.sums[Row][Vector])), ...);
}

template <int Rows, int... Row>
AMQ_SIMD_INLINE void accumulate(tile<Rows>& c, float const* b, float const* a, index a_stride,
                                std::integer_sequence<int, Row...>) {
  f32 const row_of_b[tile_vectors] = {f32::load(b), f32::load(b + f32::width)};
  (accumulate_row<Row>(c, row_of_b, a + Row * a_stride, std::make_integer_sequence<int, tile_vectors>{}), ...);
}

/// How many of the `cols` columns that a tile has lie in its vector `v`.
AMQ_SIMD_INLINE int lanes_of_vector(int cols, int v) {
  int const left = cols - v * f32::width;
  return left < 0 ? 0 : left < f32::width ? left : f32::width;
}

template <int Rows, int... Row>
AMQ_SIMD_INLINE void load_tile(tile<Rows>& c, float const* p, index stride, int cols,
                               std::integer_sequence<int, Row...>) {
  int const first = lanes_of_vector(cols, 0), second = lanes_of_vector(cols, 1);
  ((c.sums[Row][0] = load_some(p + Row * stride, first)), ...);
  ((c.sums[Row][1] = load_some(p + Row * stride + first, second)), ...);
}

template <int Rows, int... Row>
AMQ_SIMD_INLINE void clear_tile(tile<Rows>& c, std::integer_sequence<int, Row...>) {
  ((c.sums[Row][0] = c.sums[Row][1] = f32::zero()), ...);
}

template <int Rows, int... Row>
AMQ_SIMD_INLINE void store_tile(tile<Rows> const& c, float* p, index stride, int cols,
                                std::integer_sequence<int, Row...>) {
  if (cols == tile_cols) {
    (c.sums[Row][0].store(p + Row * stride), ...);
    (c.sums[Row][1].store(p + Row * stride + f32::width), ...);
  } else {
    int const first = lanes_of_vector(cols, 0), second = lanes_of_vector(cols, 1);
    (store_some(c.sums[Row][0], p + Row * stride, first), ...);
    (store_some(c.sums[Row][1], p + Row * stride + first, second), ...);
  }
}

/// C (Rows, cols) = A (Rows, depth) B (depth, tile_cols), added to what C holds if `add`; cols <= tile_cols.
template <int Rows>
inline void multiply_tile(float const* a, index a_stride, float const* b, index depth, float* c, index c_stride,
                          int cols, bool add) {
  constexpr std::make_integer_sequence<int, Rows> rows{};
  for (int row = 0; row < Rows; ++row) {  // the lines to be written arrive while the sums run
    __builtin_prefetch(c + row * c_stride, 1);
    __builtin_prefetch(c + row * c_stride + f32::width, 1);
  }
  tile<Rows> sums;
  if (add)
    load_tile(sums, c, c_stride, cols, rows);
  else
    clear_tile(sums, rows);
  for (index k = 0; k < depth; ++k) accumulate(sums, b + k * tile_cols, a + k, a_stride, rows);
  store_tile(sums, c, c_stride, cols, rows);
}

/// The same for a number of rows known at run time, 1 <= rows <= Rows.
template <int Rows = tile_rows>
AMQ_SIMD_INLINE void multiply_rows(int rows, float const* a, index a_stride, float const* b, index depth, float* c,
                                   index c_stride, int cols, bool add) {
  if constexpr (Rows > 1) {
    if (rows < Rows) return multiply_rows<Rows - 1>(rows, a, a_stride, b, depth, c, c_stride, cols, add);
  }
  multiply_tile<Rows>(a, a_stride, b, depth, c, c_stride, cols, add);
}

/// Rows of the next tile when `left` rows are left: tiles of nearly one size rather than full ones and a sliver.
AMQ_SIMD_INLINE int next_tile_rows(index left) {
  index const tiles = (left + tile_rows - 1) / tile_rows;
  return static_cast<int>((left + tiles - 1) / tiles);
}

/// C (rows, cols) (+)= A (rows, depth) B, B being panels of tile_cols columns, `panel_stride` floats apart.
inline void multiply_panels(float const* a, index a_stride, index rows, float const* panels, index panel_stride,
                            index depth, float* c, index c_stride, index cols, bool add) {
  for (index first = 0; first < cols; first += tile_cols, panels += panel_stride) {
    int const width = cols - first < tile_cols ? static_cast<int>(cols - first) : tile_cols;
    int count = 0;
    for (index row = 0; row < rows; row += count) {
      count = next_tile_rows(rows - row);
      multiply_rows(count, a + row * a_stride, a_stride, panels, depth, c + row * c_stride + first, c_stride, width,
                    add);
    }
  }
}

/// Packs `width` rows of W (width, depth), the columns of B, into one panel; columns beyond `width` become zero.
inline void pack_panel(float const* w, index w_stride, int width, index depth, float* panel) {
  for (int j = 0; j < tile_cols; ++j)
    for (index k = 0; k < depth; ++k) panel[k * tile_cols + j] = j < width ? w[j * w_stride + k] : 0.0f;
}
