// Products of doubles that the RBF's factorization is made of: every result is one chain of operations whose order
// depends on nothing but its own row and column, so the same data give the same bits in whatever batches they came.

/// Four rows and two vectors of columns of `subtract_product`.
AMQ_SIMD_INLINE void subtract_four_rows(double* c, index c_stride, double const* x, index x_stride, double const* tile) {
  f64 a0 = f64::zero(), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
  for (int k = 0; k < 64; ++k, ++x, tile += 64) {
    f64 const left = f64::load(tile), right = f64::load(tile + f64::width);
    f64 const a = f64::broadcast(x[0]), b = f64::broadcast(x[x_stride]);
    a0 = fma(a, left, a0), a1 = fma(a, right, a1);
    b0 = fma(b, left, b0), b1 = fma(b, right, b1);
    f64 const e = f64::broadcast(x[2 * x_stride]), f = f64::broadcast(x[3 * x_stride]);
    c0 = fma(e, left, c0), c1 = fma(e, right, c1);
    d0 = fma(f, left, d0), d1 = fma(f, right, d1);
  }
  double* const second = c + c_stride;
  double* const third = second + c_stride;
  double* const fourth = third + c_stride;
  (f64::load(c) - a0).store(c), (f64::load(c + f64::width) - a1).store(c + f64::width);
  (f64::load(second) - b0).store(second), (f64::load(second + f64::width) - b1).store(second + f64::width);
  (f64::load(third) - c0).store(third), (f64::load(third + f64::width) - c1).store(third + f64::width);
  (f64::load(fourth) - d0).store(fourth), (f64::load(fourth + f64::width) - d1).store(fourth + f64::width);
}

/// c (rows, 64) -= x (rows, 64) tile (64, 64). `rows` is a multiple of four.
inline void subtract_product(double* c, index c_stride, double const* x, index x_stride, double const* tile, index rows) {
  for (index row = 0; row < rows; row += 4)
    for (int column = 0; column < 64; column += 2 * f64::width)
      subtract_four_rows(c + row * c_stride + column, c_stride, x + row * x_stride, x_stride, tile + column);
}

/// y (64 n) -= factor x (64 n).
inline void subtract_scaled(double* y, double factor, double const* x, index n) {
  f64 const minus = f64::broadcast(-factor);
  for (index i = 0; i < 64 * n; i += f64::width) fma(minus, f64::load(x + i), f64::load(y + i)).store(y + i);
}

/// x . y over 64 n values.
inline double dot(double const* x, double const* y, index n) {
  f64 a = f64::zero(), b = a, c = a, d = a;
  for (index i = 0; i < 64 * n; i += 4 * f64::width) {
    a = fma(f64::load(x + i), f64::load(y + i), a);
    b = fma(f64::load(x + i + f64::width), f64::load(y + i + f64::width), b);
    c = fma(f64::load(x + i + 2 * f64::width), f64::load(y + i + 2 * f64::width), c);
    d = fma(f64::load(x + i + 3 * f64::width), f64::load(y + i + 3 * f64::width), d);
  }
  return reduce_add((a + b) + (c + d));
}

/// r loses its part along each of `count` rows of 64 n values, one row after another, and parts[k] gains that of row k:
/// what dot and subtract_scaled in turn do, to the bit, in one pass over r a row.
inline void subtract_parts(double* r, double const* rows, index stride, index count, index n, double* parts) {
  if (count == 0) return;
  double part = dot(rows, r, n);
  for (index k = 0; k + 1 < count; ++k, rows += stride) {
    parts[k] += part;
    double const* const next = rows + stride;
    f64 const minus = f64::broadcast(-part);
    f64 a = f64::zero(), b = a, c = a, d = a;
    for (index i = 0; i < 64 * n; i += 4 * f64::width) {
      f64 const ra = fma(minus, f64::load(rows + i), f64::load(r + i));
      f64 const rb = fma(minus, f64::load(rows + i + f64::width), f64::load(r + i + f64::width));
      f64 const rc = fma(minus, f64::load(rows + i + 2 * f64::width), f64::load(r + i + 2 * f64::width));
      f64 const rd = fma(minus, f64::load(rows + i + 3 * f64::width), f64::load(r + i + 3 * f64::width));
      ra.store(r + i), rb.store(r + i + f64::width);
      rc.store(r + i + 2 * f64::width), rd.store(r + i + 3 * f64::width);
      a = fma(f64::load(next + i), ra, a);
      b = fma(f64::load(next + i + f64::width), rb, b);
      c = fma(f64::load(next + i + 2 * f64::width), rc, c);
      d = fma(f64::load(next + i + 3 * f64::width), rd, d);
    }
    part = reduce_add((a + b) + (c + d));
  }
  parts[count - 1] += part;
  subtract_scaled(r, part, rows, n);
}
