// Quantizing a 4096 x 4096 matrix in groups of 128, one thread. The peer's figure: bench/peers/hqq_peer.py.
#include <benchmark/benchmark.h>

#include "amq/core/random.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/quantize/rtn.hpp"

namespace {

constexpr amq::index size = 4096;

/// Normal weights with the given standard deviation: 0.02 is a large model's, whose errors all shrink to 0; with 1
/// the solver takes a power of most errors.
amq::matrix<float> weights(double deviation) {
  amq::matrix<float> result(size, size);
  amq::random_stream stream(1);
  for (amq::index i = 0; i < result.size(); ++i) result.data()[i] = static_cast<float>(deviation * stream.normal());
  return result;
}

template <class Quantizer>
void quantize(benchmark::State& state) {
  auto const matrix = weights(static_cast<double>(state.range(1)) / 100);
  amq::format const f{static_cast<int>(state.range(0)), 128};
  for (auto _ : state) benchmark::DoNotOptimize(Quantizer().encode(matrix, f));
  state.SetItemsProcessed(state.iterations() * matrix.size());
}

BENCHMARK(quantize<amq::hqq>)
    ->ArgNames({"bits", "deviation_in_hundredths"})
    ->ArgsProduct({{2, 3, 4}, {2, 100}})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(quantize<amq::rtn>)
    ->ArgNames({"bits", "deviation_in_hundredths"})
    ->ArgsProduct({{4}, {2}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
