// Real numbers to whole steps of a lattice.

/// codes[i] = values[i] * scale as a whole number, for n values and n rounded up to a multiple of 16 codes, those beyond
/// n 0. Returns the sum of their squares, or -1, and codes without meaning, unless each is within 1e-9 of a whole number
/// from 0 to limit.
inline std::int32_t encode_steps(double const* values, index n, double scale, double limit, std::uint8_t* codes) {
  f64 const to_whole = f64::broadcast(0x1.8p52);  // adding it rounds to a whole number, which its last bits then are
  f64 squares = f64::zero(), off = f64::zero();
  for (index first = 0; first < n; first += 16) {
    alignas(64) double whole[16];
    for (int i = 0; i < 16; i += f64::width) {
      index const left = n - first - i;
      f64 const steps = load_some(values + first + i, static_cast<int>(left < 0 ? 0 : left < f64::width ? left : f64::width)) *
                        f64::broadcast(scale);
      f64 const shifted = steps + to_whole;
      f64 const nearest = shifted - to_whole;
      shifted.store(whole + i);
      squares = fma(nearest, nearest, squares);
      // max(0, x) keeps what is not a number, and so does the sum.
      off = off + max(f64::zero(), max(steps - nearest, nearest - steps) - f64::broadcast(1e-9));
      off = off + max(f64::zero(), max(f64::zero() - nearest, nearest - f64::broadcast(limit)));
    }
    long long bits[16];
    std::memcpy(bits, whole, sizeof bits);
    for (int i = 0; i < 16; ++i) codes[first + i] = static_cast<std::uint8_t>(bits[i]);
  }
  return reduce_add(off) <= 0 ? static_cast<std::int32_t>(reduce_add(squares)) : -1;
}
