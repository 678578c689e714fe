// Products of one token from memory: a pass over more matrices than the last-level cache holds, on all cores, in turn
// with a read of the same bytes and with ggml's products of matrices of the same shape.
#include <benchmark/benchmark.h>

#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "amq/core/team_executor.hpp"
#include "amq/kernel/packed_product.hpp"
#include "kernel/clock.hpp"
#include "kernel/ggml_pool.hpp"
#include "kernel/packed_pool.hpp"
#include "kernel/peers.hpp"
#include "kernel/stream_read.hpp"

namespace amq::bench {
namespace {

struct shape {
  index rows, cols;
};
constexpr shape shapes[] = {{4096, 4096}, {14336, 4096}};

int cores() { return static_cast<int>(std::max(1u, std::thread::hardware_concurrency())); }

/// Activations are prepared for every matrix, as ggml does.
void multiply_all(packed_pool const& pool, matrix_view<float const> x, precision p, matrix_view<float> y,
                  team_executor& team) {
  activations prepared;
  for (index i = 0; i < pool.size(); ++i) {
    auto const w = pool[i];
    prepared.prepare(x, p, w.layout.group, preferred_path(p, x.rows));
    multiply(w, prepared, y, team);
  }
}

void read_all(packed_pool const& pool, team_executor& team) {
  index const piece = index{1} << 20;
  team.for_each(pool.bytes() / piece,
                [&](index i, int) { benchmark::DoNotOptimize(simd::stream_read(pool.data() + i * piece, piece)); });
}

void measure(benchmark::State& state, shape s, int bits, precision p, int threads) {
  format const storage{bits, 128};
  packed_pool const pool(storage, s.rows, s.cols,
                         pool_size(tile_layout{storage.bits, storage.group}.bytes(s.rows, s.cols)));
  auto const x = wave(1, s.cols);
  matrix<float> y(1, s.rows);
  team_executor team(threads);
  auto peers = make_peers(bits, s.rows, x, threads);
  std::vector<double> ours, reads;
  std::vector<std::vector<double>> theirs(peers.size());
  auto const bytes = static_cast<double>(pool.bytes());
  for ([[maybe_unused]] auto _ : state) {
    double const seconds = wall_seconds([&] { multiply_all(pool, x, p, y, team); });
    state.SetIterationTime(seconds);
    ours.push_back(seconds);
    reads.push_back(wall_seconds([&] { read_all(pool, team); }) / seconds);
    for (std::size_t i = 0; i < peers.size(); ++i)
      theirs[i].push_back(wall_seconds([&] { peers[i].pool->run(); }) / static_cast<double>(peers[i].count) /
                          (seconds / static_cast<double>(pool.size())));
  }
  double const seconds = median(ours);
  state.counters["us"] = seconds / static_cast<double>(pool.size()) * 1e6;
  state.counters["GB/s"] = bytes / seconds * 1e-9;
  state.counters["of_read"] = median(reads);
  for (std::size_t i = 0; i < peers.size(); ++i) state.counters["x_" + peers[i].type] = median(theirs[i]);
}

[[maybe_unused]] bool const registered = [] {
  for (shape const s : shapes)
    for (int const bits : tile_layout::widths)
      for (precision const p : {precision::int8, precision::bf16, precision::f32}) {
        std::string const name = "gemv/" + std::to_string(s.rows) + "x" + std::to_string(s.cols) + "/" +
                                 std::to_string(bits) + "bit/" + to_string(p);
        for (int const threads : {1, cores()})
          benchmark::RegisterBenchmark((name + "/threads:" + std::to_string(threads)).c_str(), measure, s, bits, p,
                                       threads)
              ->UseManualTime()
              ->Iterations(11)
              ->Unit(benchmark::kMillisecond);
      }
  return true;
}();

}  // namespace
}  // namespace amq::bench
