// The iterations of HQQ's half-quadratic solver on one group; compiled for each instruction set.

/// Adds a vector of weights to the sums of code - (weight - shrunk error) * steps and of |error|. Whole: all lanes
/// count, else the first `count`.
template <bool Whole>
AMQ_SIMD_INLINE void add_weights(amq::detail::hqq_group const& group, amq::detail::lp_shrink const& shrink, float zero,
                                 f32 weight, int count, f32& zeros, f32& distances) {
  f32 const steps = f32::broadcast(group.steps), offset = f32::broadcast(zero);
  f32 const code = round(min(max(weight * steps + offset, f32::zero()), f32::broadcast(group.highest)));
  f32 const error = weight - (code - offset) * f32::broadcast(group.scale);
  f32 magnitude = abs(error);
  if constexpr (!Whole) magnitude = select(first_lanes(count), magnitude, f32::zero());
  distances = distances + magnitude;
  f32 contribution = code - weight * steps;
  if constexpr (!Whole) contribution = select(first_lanes(count), contribution, f32::zero());
  mask const loud = f32::broadcast(shrink.quiet) < magnitude;
  if (any(loud)) {
    f32 const less = f32::broadcast(shrink.weight) * pow(magnitude, shrink.exponent);
    f32 const kept = select(loud, max(magnitude - less, f32::zero()), f32::zero());
    contribution = contribution + select(error < f32::zero(), f32::zero() - kept, kept) * steps;
  }
  zeros = zeros + contribution;
}

inline void hqq_iterate(amq::detail::hqq_group const& group, amq::detail::lp_shrink const& shrink, float zero,
                        index iterations, float* zeros, double* distances) {
  for (index iteration = 0; iteration < iterations; ++iteration) {
    f32 total = f32::zero(), distance = f32::zero();
    index i = 0;
    for (; i + f32::width <= group.size; i += f32::width)
      add_weights<true>(group, shrink, zero, f32::load(group.weights + i), f32::width, total, distance);
    if (int const count = static_cast<int>(group.size - i); count > 0)
      add_weights<false>(group, shrink, zero, load_some(group.weights + i, count), count, total, distance);
    zero = zeros[iteration] = reduce_add(total) / static_cast<float>(group.size);
    distances[iteration] += double{reduce_add(distance)};
  }
}
