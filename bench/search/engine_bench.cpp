// One iteration of AMQ's search engine without evaluations: fit, NSGA-II 20 x 200, subset selection. 224 layers, 50
// candidates. Compare with bench/peers/amq_engine_peer.py, which does the same with pySOT and pymoo.
#include <benchmark/benchmark.h>

#include <cmath>
#include <string>
#include <vector>

#include "amq/search/memory_archive.hpp"
#include "amq/search/presets/amq.hpp"
#include "amq/search/presets/amq_as_released.hpp"

namespace {

using amq::configuration;
using amq::index;

/// The archive is there already.
amq::amq_design_options const engine_only{.initial = 0, .sensitivities = false};

amq::format_space llama_space() {
  struct shape {
    char const* name;
    index rows, cols;
  };
  std::vector<shape> const kinds{{"q_proj", 4096, 4096},    {"k_proj", 4096, 4096},     {"v_proj", 4096, 4096},
                                 {"o_proj", 4096, 4096},    {"gate_proj", 11008, 4096}, {"up_proj", 11008, 4096},
                                 {"down_proj", 4096, 11008}};
  std::vector<amq::linear_layer> layers;
  for (int block = 0; block < 32; ++block)
    for (int kind = 0; kind < 7; ++kind) {
      auto const& k = kinds[static_cast<std::size_t>(kind)];
      layers.push_back({std::to_string(block) + "." + k.name, k.rows, k.cols, block, kind});
    }
  return {layers, std::vector<amq::format>{{2, 128}, {3, 128}, {4, 128}}, 0};
}

/// Losses of a made-up model: additive effects of very different sizes, saturating.
double made_up_loss(configuration const& genes) {
  double total = 0.01;
  for (std::size_t l = 0; l < genes.size(); ++l)
    total += (1 + 3 * std::pow(std::sin(1.0 + static_cast<double>(l)), 8)) * std::pow(0.25, genes[l]) / 200;
  return 0.7 * (1 - std::exp(-total));
}

void add(amq::memory_archive& archive, amq::format_space const& space, std::vector<configuration> const& batch) {
  for (auto const& genes : batch)
    archive.record({.configuration = genes,
                    .average_bits = space.average_bits(genes),
                    .loss = made_up_loss(genes),
                    .sequence_losses = {}});
}

/// An archive as a search has it after some batches: the strategy's own candidates on top of 250 initial ones.
amq::memory_archive grown_archive(amq::format_space const& space, index size) {
  amq::memory_archive archive;
  amq::random_stream random(1);
  add(archive, space, amq::random_design(space, archive, std::min<index>(size, 250), random));
  auto strategy = amq::make_amq_strategy(space, engine_only, {.population = 100, .generations = 4});
  while (std::ssize(archive.evaluations()) < size)
    add(archive, space, strategy.ask(archive, std::min<index>(50, size - std::ssize(archive.evaluations())), random));
  return archive;
}

template <class MakeStrategy>
void iterate(benchmark::State& state, MakeStrategy const& make) {
  auto const space = llama_space();
  auto const archive = grown_archive(space, state.range(0));
  amq::memory_archive before;
  for (auto const& e : archive.evaluations().first(archive.evaluations().size() - 50)) before.record(e);
  index candidates = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto strategy = make(space);
    amq::random_stream warm_up(2), random(3);
    strategy.ask(before, 1, warm_up);  // the iteration before this one left its factorization
    state.ResumeTiming();
    auto const batch = strategy.ask(archive, 50, random);
    candidates = std::ssize(batch);
    benchmark::DoNotOptimize(batch.data());
  }
  state.counters["candidates"] = static_cast<double>(candidates);
}

void amq_iteration(benchmark::State& state) {
  iterate(state, [](amq::format_space const& space) { return amq::make_amq_strategy(space, engine_only); });
}
void amq_as_released_iteration(benchmark::State& state) {
  iterate(state, [](amq::format_space const& space) { return amq::make_amq_as_released_strategy(space, engine_only); });
}

/// A fit of the whole archive from nothing, as after a resume.
void first_fit(benchmark::State& state) {
  auto const space = llama_space();
  auto const archive = grown_archive(space, state.range(0));
  amq::matrix<amq::gene> genes(state.range(0), space.size());
  std::vector<double> losses;
  for (auto const& e : archive.evaluations()) {
    std::copy(e.configuration.begin(), e.configuration.end(), genes.row(std::ssize(losses)).begin());
    losses.push_back(e.loss);
  }
  for (auto _ : state) {
    amq::rbf<> model;
    model.fit(space, genes, losses);
    benchmark::DoNotOptimize(model);
  }
}

BENCHMARK(amq_iteration)->Arg(250)->Arg(2000)->Unit(benchmark::kMillisecond);
BENCHMARK(amq_iteration)->Arg(10000)->Iterations(1)->Unit(benchmark::kMillisecond);  // half a minute to set up
BENCHMARK(amq_as_released_iteration)->Arg(250)->Arg(2000)->Unit(benchmark::kMillisecond);
BENCHMARK(first_fit)->Arg(250)->Arg(2000)->Unit(benchmark::kMillisecond);

}  // namespace
