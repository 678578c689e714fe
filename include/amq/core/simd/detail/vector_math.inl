// Elementary functions of f32 vectors. Polynomials are minimax fits made for this library on the reduced ranges, their
// coefficients rounded to f32 one after the other. The errors named were measured over all of the range with FMA; the
// portable path, which rounds products, may be one more unit in the last place (ulp) off.

/// How many of the `left` elements fit into one f32.
AMQ_SIMD_INLINE int lanes(index left) { return left < f32::width ? static_cast<int>(left) : f32::width; }

/// e^x within 1 ulp; subnormal results are rounded, e^-infinity = 0, above 88.7228 infinity, NaN stays NaN.
AMQ_SIMD_INLINE f32 exp(f32 x) {
  x = max(f32::broadcast(-104), min(f32::broadcast(89), x));
  f32 const n = round(x * f32::broadcast(1.44269504f));
  // ln 2 in two parts, the first short enough for its product with n to be exact.
  f32 const r = fnma(n, f32::broadcast(3.19461849e-5f), fnma(n, f32::broadcast(0x1.62ep-1f), x));
  f32 p = f32::broadcast(0x1.6a4744p-10f);
  p = fma(p, r, f32::broadcast(0x1.1239a2p-7f));
  p = fma(p, r, f32::broadcast(0x1.5558b6p-5f));
  p = fma(p, r, f32::broadcast(0x1.555492p-3f));
  p = fma(p, r, f32::broadcast(0x1.fffffcp-2f));
  return scale_by_power(fma(p, r * r, r) + f32::broadcast(1), n);
}

/// ln(1 + f) - f for f in [-1/4, 1/2).
AMQ_SIMD_INLINE f32 log_tail(f32 f) {
  f32 p = f32::broadcast(-0x1.7174a2p-5f);
  p = fma(p, f, f32::broadcast(0x1.acc30ep-4f));
  p = fma(p, f, f32::broadcast(-0x1.0d9930p-3f));
  p = fma(p, f, f32::broadcast(0x1.2885a2p-3f));
  p = fma(p, f, f32::broadcast(-0x1.54ee7ep-3f));
  p = fma(p, f, f32::broadcast(0x1.996968p-3f));
  p = fma(p, f, f32::broadcast(-0x1.000044p-2f));
  p = fma(p, f, f32::broadcast(0x1.5555a4p-2f));
  f32 const square = f * f;
  return fma(square * f, p, square * f32::broadcast(-0.5f));
}

/// ln x within 1 ulp, subnormal x included; ln 0 = -infinity, of negative x NaN.
AMQ_SIMD_INLINE f32 log(f32 x) {
  f32 mantissa, exponent;
  split(x, mantissa, exponent);
  f32 const f = mantissa - f32::broadcast(1);
  f32 const tail = fma(exponent, f32::broadcast(3.19461849e-5f), log_tail(f));
  return fma(exponent, f32::broadcast(0x1.62ep-1f), f + tail);
}

/// x^power for x >= 0 within 2 + 2 |power| ulp; 0^0 = 1, of negative x NaN.
AMQ_SIMD_INLINE f32 pow(f32 x, float power) {
  // In two parts, the first short enough for its product with an exponent to be exact.
  float const head = std::bit_cast<float>(std::bit_cast<std::uint32_t>(power) & 0xfffff000u);
  f32 const c = f32::broadcast(power), c_head = f32::broadcast(head), c_tail = f32::broadcast(power - head);
  f32 mantissa, exponent;
  split(x, mantissa, exponent);
  exponent = max(f32::broadcast(-1e30f), min(f32::broadcast(1e30f), exponent));
  f32 const f = mantissa - f32::broadcast(1);
  f32 const fraction = fma(c_tail, exponent, c * ((f + log_tail(f)) * f32::broadcast(1.44269504f)));
  f32 const n = max(f32::broadcast(-151), min(f32::broadcast(129), round(fma(c_head, exponent, fraction))));
  f32 const rest = fma(c_head, exponent, f32::zero() - n) + fraction;
  f32 const r = max(f32::broadcast(-1), min(f32::broadcast(1), rest));
  f32 p = f32::broadcast(0x1.4172bap-13f);
  p = fma(p, r, f32::broadcast(0x1.5f0976p-10f));
  p = fma(p, r, f32::broadcast(0x1.3b2ddap-7f));
  p = fma(p, r, f32::broadcast(0x1.c6af7ap-5f));
  p = fma(p, r, f32::broadcast(0x1.ebfbdcp-3f));
  p = fma(p, r, f32::broadcast(0x1.62e430p-1f));
  return scale_by_power(fma(p, r, f32::broadcast(1)), n);
}

/// 1 / (1 + e^-x) within 2.1 ulp.
AMQ_SIMD_INLINE f32 sigmoid(f32 x) {
  f32 const one = f32::broadcast(1), e = exp(f32::zero() - abs(x));  // never overflows
  return select(x < f32::zero(), e, one) / (one + e);
}

/// x / (1 + e^-x) within 3 ulp.
AMQ_SIMD_INLINE f32 silu(f32 x) { return x * sigmoid(x); }
