// One evaluation of a model: 16 x 256 tokens, nothing shared between candidates.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "amq/core/random.hpp"
#include "amq/evaluate/proxy_evaluator.hpp"
#include "amq/model/llama.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/space/format_space.hpp"

namespace {

/// Real text where AMQ_TEST_DATA names the folder that has it, else what the model itself wrote.
std::filesystem::path tokens_file() {
  if (char const* const data = std::getenv("AMQ_TEST_DATA"); data != nullptr)
    return std::filesystem::path(data) / "data/tokens/books.calibration16.tiny.u16";
  return AMQ_SOURCE_FOLDER "/examples/models/tiny/calibration.npy";
}

/// The model that AMQ_BENCH_MODEL names, or the embedded one.
std::filesystem::path model_folder() {
  char const* const named = std::getenv("AMQ_BENCH_MODEL");
  return named != nullptr ? named : AMQ_SOURCE_FOLDER "/examples/models/tiny";
}

/// CPU seconds of the whole process are what counts: threads share one evaluation.
void one_evaluation(benchmark::State& state) {
  auto const model = amq::llama::load(model_folder());
  auto const tokens = amq::load_tokens(tokens_file());
  amq::format_space const space({model.linears().begin(), model.linears().end()},
                                std::vector<amq::format>{{2, 128}, {3, 128}, {4, 128}}, 0);
  amq::thread_executor executor(static_cast<int>(state.range(0)));
  auto const rounded = static_cast<amq::precision>(state.range(1));
  state.SetLabel(to_string(rounded));
  amq::proxy_evaluator evaluator(model, tokens, space, amq::hqq{}, amq::jsd{}, executor, amq::no_statistics{}, rounded);
  amq::random_stream stream(1);
  std::vector<amq::measurement> measured(1);
  for (auto _ : state) {
    std::vector<amq::configuration> batch(1, space.highest());
    for (auto& gene : batch[0]) gene = static_cast<amq::gene>(stream.below(3));
    evaluator.evaluate(batch, measured);
    benchmark::DoNotOptimize(measured[0].loss);
  }
}

BENCHMARK(one_evaluation)
    ->ArgNames({"threads", "precision"})
    ->ArgsProduct({{1, 2}, {int(amq::precision::f32), int(amq::precision::bf16), int(amq::precision::int8)}})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
