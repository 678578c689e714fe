// Fits of the predictors to made-up losses of 224 layers with 2, 3 or 4 bits, and the RBF's leave-one-out errors.
#include <benchmark/benchmark.h>

#include <cmath>
#include <string>
#include <vector>

#include "amq/core/random.hpp"
#include "amq/predict/additive.hpp"
#include "amq/predict/mlp.hpp"
#include "amq/predict/rbf.hpp"
#include "amq/space/format_space.hpp"

namespace {

using amq::index;

amq::format_space llama_space() {
  std::vector<amq::linear_layer> layers;
  for (int block = 0; block < 32; ++block)
    for (int kind = 0; kind < 7; ++kind)
      layers.push_back({std::to_string(block) + "." + std::to_string(kind), 4096, 4096, block, kind});
  return {layers, std::vector<amq::format>{{2, 128}, {3, 128}, {4, 128}}, 0};
}

struct data {
  amq::matrix<amq::gene> genes;
  std::vector<double> losses;
};

/// Configurations of all sizes; losses saturate, and every 37th layer matters most.
data made_up(index n) {
  amq::random_stream random(1);
  data d{amq::matrix<amq::gene>(n, 224), {}};
  for (index i = 0; i < n; ++i) {
    double const high = random.uniform();
    double total = 0;
    for (index l = 0; l < 224; ++l) {
      d.genes(i, l) = static_cast<amq::gene>(random.bernoulli(high) ? 2 : random.below(3));
      double const effect = 0.001 * static_cast<double>(1 + l % 10) + (l % 37 == 0 ? 0.05 : 0.0);
      total += effect * (d.genes(i, l) == 2 ? 0 : d.genes(i, l) == 1 ? 1 : 4);
    }
    d.losses.push_back(1 - std::exp(-total));
  }
  return d;
}

template <class Predictor>
void fit(benchmark::State& state) {
  auto const space = llama_space();
  auto const d = made_up(state.range(0));
  for (auto _ : state) {
    Predictor model;
    model.fit(space, d.genes, d.losses);
    benchmark::DoNotOptimize(model);
  }
}

void rbf_leave_one_out(benchmark::State& state) {
  auto const space = llama_space();
  auto const d = made_up(state.range(0));
  amq::rbf<> model;
  model.fit(space, d.genes, d.losses);
  for (auto _ : state) benchmark::DoNotOptimize(model.leave_one_out());
}

BENCHMARK(fit<amq::additive>)->Arg(500)->Arg(2000)->Unit(benchmark::kMillisecond);
BENCHMARK(fit<amq::rbf<>>)->Arg(500)->Arg(2000)->Unit(benchmark::kMillisecond);
BENCHMARK(fit<amq::rbf<amq::gaussian, amq::no_tail>>)->Arg(500)->Arg(2000)->Unit(benchmark::kMillisecond);
BENCHMARK(fit<amq::mlp<>>)->Arg(500)->Unit(benchmark::kMillisecond);
BENCHMARK(rbf_leave_one_out)->Arg(500)->Arg(2000)->Unit(benchmark::kMillisecond);

}  // namespace
