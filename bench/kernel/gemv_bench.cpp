// Products of one token from memory, matrix after matrix of more than the last-level cache holds, each in turn with a
// read of as many bytes and with ggml's product of a matrix of the same shape.
#include <benchmark/benchmark.h>

#include <algorithm>
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
void multiply_one(tiled_view const& w, matrix_view<float const> x, precision p, matrix_view<float> y,
                  activations& prepared, team_executor& team) {
  prepared.prepare(x, p, w.layout.group, preferred_path(p, x.rows));
  multiply(w, prepared, y, team);
}

/// Reads a matrix, split among the team as a product is.
void read(tiled_view const& w, team_executor& team) {
  index const pieces = team.workers() == 1 ? 1 : 8 * team.workers(), bytes = w.bytes() / pieces;
  team.for_each(pieces, [&](index i, int) { benchmark::DoNotOptimize(simd::stream_read(w.data + i * bytes, bytes)); });
}

/// Of one thread what it used; of a team the clock's.
template <class Work>
double seconds_of(int threads, Work const& work) {
  return threads == 1 ? thread_seconds(work) : wall_seconds(work);
}

void measure(benchmark::State& state, shape s, int bits, precision p, int threads) {
  packed_pool const pool({bits, 128}, s.rows, s.cols, pool_size(tile_layout{bits, 128}.bytes(s.rows, s.cols)));
  auto const x = wave(1, s.cols);
  matrix<float> y(1, s.rows);
  activations prepared;
  team_executor team(threads);
  auto peers = make_peers(bits, s.rows, x, threads);
  std::vector<double> ours, reads;
  std::vector<std::vector<double>> theirs(peers.size());
  index i = 0;
  for ([[maybe_unused]] auto _ : state) {
    auto const w = pool[i % pool.size()], other = pool[(i + pool.size() / 2) % pool.size()];
    ours.push_back(seconds_of(threads, [&] { multiply_one(w, x, p, y, prepared, team); }));
    state.SetIterationTime(ours.back());
    reads.push_back(seconds_of(threads, [&] { read(other, team); }));
    for (std::size_t peer = 0; peer < peers.size(); ++peer)
      theirs[peer].push_back(seconds_of(threads, [&] { peers[peer].pool->run(i % peers[peer].count); }));
    ++i;
  }
  double const seconds = quicker_quarter(ours);
  state.counters["us"] = seconds * 1e6;
  state.counters["GB/s"] = static_cast<double>(pool[0].bytes()) / seconds * 1e-9;
  state.counters["of_read"] = quicker_quarter(reads) / seconds;
  for (std::size_t peer = 0; peer < peers.size(); ++peer)
    state.counters["x_" + peers[peer].type] = quicker_quarter(theirs[peer]) / seconds;
}

/// A list of matrices with widths drawn at random, in that order and width after width: what it costs that a layer's
/// kernel is not its neighbour's.
void measure_mixed(benchmark::State& state, index size, precision p, int threads) {
  std::vector<packed_pool> pools;
  index const count = pool_bytes() / (size * size) / 2 + 1;
  for (int const bits : tile_layout::widths) pools.emplace_back(format{bits, 128}, size, size, count);
  random_stream random(1);
  std::vector<index> order;  // each width's share is the same; matrix i is the (i / widths)-th of pool i % widths
  for (index const i : random.permutation(count * static_cast<index>(pools.size()))) order.push_back(i);
  auto sorted = order;
  auto const widths = static_cast<index>(pools.size());
  std::stable_sort(sorted.begin(), sorted.end(), [&](index a, index b) { return a % widths < b % widths; });
  auto const x = wave(1, size);
  matrix<float> y(1, size);
  activations prepared;
  team_executor team(threads);
  auto const pass = [&](std::vector<index> const& list) {
    return seconds_of(threads, [&] {
      for (index const i : list)
        multiply_one(pools[static_cast<std::size_t>(i % widths)][i / widths], x, p, y, prepared, team);
    });
  };
  std::vector<double> mixed, uniform;
  for ([[maybe_unused]] auto _ : state) {
    mixed.push_back(pass(order));
    uniform.push_back(pass(sorted));
    state.SetIterationTime(mixed.back());
  }
  state.counters["mixed_to_uniform"] = quicker_quarter(mixed) / quicker_quarter(uniform);
}

[[maybe_unused]] bool const registered = [] {
  for (index const size : {4096, 512})
    for (int const threads : {1, cores()})
      benchmark::RegisterBenchmark(("mixed/" + std::to_string(size) + "/threads:" + std::to_string(threads)).c_str(),
                                   measure_mixed, size, precision::int8, threads)
          ->UseManualTime()
          ->Iterations(11)
          ->Unit(benchmark::kMillisecond);
  for (shape const s : shapes)
    for (int const bits : tile_layout::widths)
      for (precision const p : {precision::int8, precision::bf16, precision::f32}) {
        std::string const name = "gemv/" + std::to_string(s.rows) + "x" + std::to_string(s.cols) + "/" +
                                 std::to_string(bits) + "bit/" + to_string(p);
        for (int const threads : {1, cores()})
          benchmark::RegisterBenchmark((name + "/threads:" + std::to_string(threads)).c_str(), measure, s, bits, p,
                                       threads)
              ->UseManualTime()
              ->Iterations(400)
              ->Unit(benchmark::kMicrosecond);
      }
  return true;
}();

}  // namespace
}  // namespace amq::bench
