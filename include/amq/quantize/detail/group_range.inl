// Smallest and largest of a group, and whether all are finite; compiled for each instruction set.

inline amq::detail::group_range range_of(float const* values, index count) {
  f32 low = f32::broadcast(values[0]);
  f32 high = low;
  f32 poison = f32::zero();  // stays 0 unless a value is NaN or infinite
  index i = 0;
  for (; i + f32::width <= count; i += f32::width) {
    f32 const value = f32::load(values + i);
    low = min(value, low);
    high = max(value, high);
    poison = fma(value, f32::zero(), poison);
  }
  amq::detail::group_range range{-reduce_max(f32::zero() - low), reduce_max(high), reduce_add(poison) == 0};
  for (; i < count; ++i) {
    range.low = values[i] < range.low ? values[i] : range.low;
    range.high = values[i] > range.high ? values[i] : range.high;
    range.finite = range.finite && values[i] * 0 == 0;
  }
  return range;
}
