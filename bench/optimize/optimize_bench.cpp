// The optimizers on a knapsack of 224 layers, population 200, 100 generations; pagmo2's NSGA-II beside ours where it is
// installed. bench/peers/nsga2_peer.py runs this program and pymoo's in one go.
#include <benchmark/benchmark.h>

#include "amq/indicate/hypervolume.hpp"
#include "amq/optimize/local_search.hpp"
#include "amq/optimize/moead.hpp"
#include "amq/optimize/nsga2.hpp"
#include "optimize/knapsack_problem.hpp"
#include "optimize/pagmo_nsga2.hpp"

namespace {

using amq::index;

constexpr index population = 200, generations = 100;

double area_of(amq::matrix_view<double const> objectives) {
  return amq::hypervolume(objectives, std::vector<double>{3, 2});
}

template <class Optimizer>
void run(benchmark::State& state, Optimizer const& optimizer) {
  amq::bench::layer_knapsack problem;
  double area = 0;
  for (auto _ : state) {
    amq::random_stream random(1);
    area = area_of(optimizer.minimize(problem, {}, random).objectives);
  }
  state.counters["hypervolume"] = area;
}

void nsga2(benchmark::State& state) {
  run(state, amq::nsga2<>({.population = population, .generations = generations}, {}, {.probability = 1}));
}
void moead(benchmark::State& state) {
  run(state, amq::moead<>({.population = population, .generations = generations}, {}, {}, {.probability = 1}));
}
void local_search(benchmark::State& state) {
  run(state, amq::local_search({.evaluations = population * generations, .batch = population, .keep = population}));
}

BENCHMARK(nsga2)->Unit(benchmark::kMillisecond);
#if AMQ_BENCH_PAGMO
void pagmo_nsga2(benchmark::State& state) {
  double area = 0;
  for (auto _ : state) area = area_of(amq::bench::pagmo_nsga2(population, generations, 1));
  state.counters["hypervolume"] = area;
}
BENCHMARK(pagmo_nsga2)->Unit(benchmark::kMillisecond);
#endif
BENCHMARK(moead)->Unit(benchmark::kMillisecond);
BENCHMARK(local_search)->Unit(benchmark::kMillisecond);

}  // namespace
