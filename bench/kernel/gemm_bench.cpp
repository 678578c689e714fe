// Products of 512 tokens on one thread, in turn with what the core does at most in the instructions used and with
// ggml's products of matrices of the same shape.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "amq/kernel/packed_product.hpp"
#include "kernel/clock.hpp"
#include "kernel/dot_peak.hpp"
#include "kernel/fma_peak.hpp"
#include "kernel/packed_pool.hpp"
#include "kernel/peers.hpp"

namespace amq::bench {
namespace {

constexpr index rows = 4096, cols = 4096, tokens = 512;

/// Runs the loop that a path's kernels are held against; returns how many operations it was.
double run_peak(precision p, cpu_path path, float* values, index steps) {
#if defined(__x86_64__)
  if (path == cpu_path::avx512_dot && p == precision::int8) return run_int8_dots(values, steps);
  if (path == cpu_path::avx512_dot && p == precision::bf16) return run_bf16_dots(values, steps);
#endif
  return simd::run_fma_chains(values, steps, paths::vectors_of(path));
}

void measure(benchmark::State& state, int bits, precision p, cpu_path path) {
  packed_pool const pool({bits, 128}, rows, cols, 1);
  auto const x = wave(tokens, cols);
  matrix<float> y(tokens, rows);
  activations prepared;
  auto peers = make_peers(bits, rows, x, 1, 1);
  std::vector<double> preparations, ours, peaks;
  std::vector<std::vector<double>> theirs(peers.size());
  float values[3] = {1e-3f, 1e-3f, 0};
  double const operations = 2.0 * rows * cols * tokens;
  double done = 0;
  for ([[maybe_unused]] auto _ : state) {
    preparations.push_back(thread_seconds([&] { prepared.prepare(x, p, 128, path); }));
    ours.push_back(thread_seconds([&] { multiply(pool[0], prepared, y); }));
    state.SetIterationTime(ours.back());
    peaks.push_back(thread_seconds([&] { done = run_peak(p, path, values, 2000000); }));
    benchmark::DoNotOptimize(values);
    for (std::size_t i = 0; i < peers.size(); ++i) theirs[i].push_back(thread_seconds([&] { peers[i].pool->run(0); }));
  }
  double const preparation = quicker_quarter(preparations), seconds = quicker_quarter(ours);
  double const speed = operations / seconds, peak = done / quicker_quarter(peaks);
  state.counters["GFLOP/s"] = speed * 1e-9;
  state.counters["peak"] = peak * 1e-9;
  state.counters["of_peak"] = speed / peak;
  state.counters["prepare_ms"] = preparation * 1e3;
  for (std::size_t i = 0; i < peers.size(); ++i)
    state.counters["x_" + peers[i].type] = quicker_quarter(theirs[i]) / (preparation + seconds);  // ggml prepares, too
}

void add(int bits, precision p, cpu_path path) {
  std::string const name = "gemm/" + std::to_string(bits) + "bit/" + to_string(p) + "/" + to_string(path);
  benchmark::RegisterBenchmark(name.c_str(), measure, bits, p, path)
      ->UseManualTime()
      ->Iterations(7)
      ->Unit(benchmark::kMillisecond);
}

[[maybe_unused]] bool const registered = [] {
  for (int const bits : tile_layout::widths)
    for (cpu_path const path : supported_paths()) {
      if (path != cpu_path::avx512_dot) add(bits, precision::f32, path);
      if (path == cpu_path::avx512_dot) {
        add(bits, precision::bf16, path);
        add(bits, precision::int8, path);
      }
    }
  return true;
}();

}  // namespace
}  // namespace amq::bench
