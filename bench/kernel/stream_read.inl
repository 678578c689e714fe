// Body of stream_read.hpp.

inline std::int32_t stream_read(std::uint8_t const* data, index bytes) {
  constexpr index ahead = 4096, line = 64, step = 4 * line;
  i32 sums[4];
  for (i32& sum : sums) sum = i32::broadcast(0);
  for (index at = 0; at + step <= bytes; at += step)
    for (index i = 0; i < 4; ++i) {
      std::uint8_t const* const p = data + at + i * line;
      __builtin_prefetch(p + ahead, 0, 2);  // into the second level, whose queue is longer than the first one's
      for (index from = 0; from < line; from += 4 * i32::width)
        sums[i] = sums[i] + i32::load(reinterpret_cast<std::int32_t const*>(p + from));
    }
  std::int32_t lanes[i32::width], total = 0;
  ((sums[0] + sums[1]) + (sums[2] + sums[3])).store(lanes);
  for (std::int32_t const lane : lanes) total ^= lane;
  return total;
}
