// Time on the device alone: graphs between events.
#pragma once

#include <algorithm>
#include <vector>

#include "amq/cuda/check.cuh"
#include "amq/cuda/stream.cuh"

namespace amq::bench {

/// Median seconds of one start of `work`, a graph: what launching costs the host is not in it.
inline double seconds_of(cuda::graph const& work, cuda::stream const& on, int repeats = 9) {
  cuda::event const begin(cudaEventDefault), end(cudaEventDefault);
  std::vector<float> milliseconds;
  for (int i = -2; i < repeats; ++i) {  // the first two warm clocks and caches up
    begin.record(on);
    work.launch(on);
    end.record(on);
    end.synchronize();
    float elapsed = 0;
    cuda::check(cudaEventElapsedTime(&elapsed, begin.get(), end.get()), "cudaEventElapsedTime");
    if (i >= 0) milliseconds.push_back(elapsed);
  }
  std::ranges::nth_element(milliseconds, milliseconds.begin() + repeats / 2);
  return milliseconds[static_cast<std::size_t>(repeats) / 2] * 1e-3;
}

/// Median seconds of one call work(i), of calls that take turns: i counts from 0 to less than `turns`.
template <class Work>
double seconds_in_turn(cuda::stream const& on, int turns, Work const& work) {
  int const rounds = std::max(1, 24 / turns);
  auto const recorded = cuda::graph::record(on, [&] {
    for (int round = 0; round < rounds; ++round)
      for (int i = 0; i < turns; ++i) work(i);
  });
  return seconds_of(recorded, on) / (rounds * turns);
}

}  // namespace amq::bench
