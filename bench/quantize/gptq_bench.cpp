// GPTQ at 3 bits in groups of 128, one thread: the layers of a real model, the whole model with its calibration pass,
// and one large layer. The peer's figures: bench/peers/gptq_peer.py.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "amq/calibrate/sequential.hpp"
#include "amq/calibrate/statistics.hpp"
#include "amq/core/executor.hpp"
#include "amq/core/random.hpp"
#include "amq/kernel/lapack_factorizer.hpp"
#include "amq/model/llama.hpp"
#include "amq/quantize/gptq.hpp"
#include "quantize/spotrf.hpp"

namespace {

constexpr amq::format three_bits{3, 128};

/// The model `wide` and real text where AMQ_TEST_DATA names the folder that has them, else the embedded model.
std::filesystem::path data_folder() {
  char const* const data = std::getenv("AMQ_TEST_DATA");
  return data == nullptr ? std::filesystem::path() : std::filesystem::path(data);
}
amq::llama bench_model() {
  if (data_folder().empty()) return amq::llama::load(AMQ_SOURCE_FOLDER "/examples/models/tiny");
  return amq::llama::load(data_folder() / "models/wide");
}
amq::token_sequences bench_tokens() {
  if (data_folder().empty()) return amq::load_tokens(AMQ_SOURCE_FOLDER "/examples/models/tiny/calibration.npy");
  return amq::load_tokens(data_folder() / "data/tokens/books.calibration16.tiny.u16");
}

/// All linear layers, their Hessians being known.
template <class Quantizer>
void layers(benchmark::State& state) {
  auto const model = bench_model();
  amq::serial_executor serial;
  auto const statistics = amq::calibration_statistics::collect(model, bench_tokens(), serial);
  std::vector<amq::matrix<float>> weights;
  for (amq::index layer = 0; layer < std::ssize(model.linears()); ++layer) weights.push_back(model.weight(layer));
  Quantizer const quantizer;
  for (auto _ : state)
    for (auto const& input : statistics.inputs()) {
      auto const prepared = quantizer.prepare(input.view());
      for (amq::index const layer : input.layers) {
        auto const& own = weights[static_cast<std::size_t>(layer)];
        benchmark::DoNotOptimize(quantizer.quantize(own, three_bits, input.view(), prepared));
      }
    }
}

/// The same with embedding, calibration pass and Hessians.
void whole_model(benchmark::State& state) {
  auto const model = bench_model();
  auto const tokens = bench_tokens();
  std::vector<amq::format> const formats(model.linears().size(), three_bits);
  amq::serial_executor serial;
  for (auto _ : state) {
    amq::quantized_memory sink;
    amq::sequential<amq::gptq>().quantize(model, formats, tokens, sink, serial);
    benchmark::DoNotOptimize(sink.layers());
  }
}

/// A layer of size x size with a Hessian of as many random tokens and damping.
template <class Quantizer>
void one_layer(benchmark::State& state) {
  amq::index const size = state.range(0);
  amq::random_stream random(1);
  amq::matrix<float> weights(size, size), inputs(256, size), hessian(size, size);
  for (amq::index i = 0; i < weights.size(); ++i) weights.data()[i] = static_cast<float>(random.normal());
  for (amq::index i = 0; i < inputs.size(); ++i) inputs.data()[i] = static_cast<float>(random.normal());
  amq::detail::second_moment moment(size, true);
  amq::detail::token_panels const panels(inputs);
  for (amq::index strip = 0; strip < moment.strips(); ++strip) {
    moment.add(strip, panels, panels);
    moment.finish(strip, 1.0, hessian);
  }
  amq::layer_statistics statistics;
  statistics.hessian = hessian;
  Quantizer const quantizer;
  for (auto _ : state) benchmark::DoNotOptimize(quantizer.quantize(weights, three_bits, statistics));
}

BENCHMARK(layers<amq::gptq>)->Unit(benchmark::kMillisecond);
BENCHMARK(whole_model)->Unit(benchmark::kMillisecond);
BENCHMARK(one_layer<amq::gptq>)->ArgName("size")->Arg(1024)->Arg(4096)->Unit(benchmark::kMillisecond);
#if AMQ_BENCH_LAPACK
using gptq_by_lapack = amq::basic_gptq<amq::lapack_factorizer<spotrf>>;
BENCHMARK(layers<gptq_by_lapack>)->Unit(benchmark::kMillisecond);
BENCHMARK(one_layer<gptq_by_lapack>)->ArgName("size")->Arg(1024)->Arg(4096)->Unit(benchmark::kMillisecond);
#endif

}  // namespace
