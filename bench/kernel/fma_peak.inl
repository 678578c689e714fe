// Body of fma_peak.hpp.

/// 14 chains: more than the latency of a multiply-add times what a core starts in a cycle. Each multiplies its sum, so
/// that nothing can be taken out of the loop where multiplication and addition are two instructions.
template <int... Chain>
AMQ_SIMD_INLINE void advance(f32 (&sums)[sizeof...(Chain)], f32 x, f32 y, std::integer_sequence<int, Chain...>) {
  ((sums[Chain] = fma(sums[Chain], x, y)), ...);
}

inline double run_fma_chains(float* values, index steps) {
  constexpr int chains = 14;
  f32 sums[chains];
  for (f32& sum : sums) sum = f32::zero();
  f32 const x = f32::broadcast(values[0]), y = f32::broadcast(values[1]);
  for (index i = 0; i < steps; ++i) advance(sums, x, y, std::make_integer_sequence<int, chains>{});
  for (f32 const sum : sums) values[2] += reduce_add(sum);
  return 2.0 * chains * f32::width * static_cast<double>(steps);
}
