// Times of work, and one for several of them.
#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace amq::bench {

/// Processor seconds of this thread: what others run on the core does not count.
template <class Work>
double thread_seconds(Work const& work) {
  auto const now = [] {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  };
  double const start = now();
  work();
  return now() - start;
}

/// Seconds on the clock: for work of several threads.
template <class Work>
double wall_seconds(Work const& work) {
  auto const start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What a quarter of the times is below: others on the machine make times longer, never shorter.
inline double quicker_quarter(std::vector<double> times) {
  auto const at = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 4);
  std::nth_element(times.begin(), at, times.end());
  return *at;
}

}  // namespace amq::bench
