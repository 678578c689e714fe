// Predicted against measured decoding: a profile of uniform models, then models whose layers take formats at random.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "amq/core/executor.hpp"
#include "amq/core/random.hpp"
#include "amq/core/statistics.hpp"
#include "amq/core/thread_clock.hpp"
#include "amq/generate/profile.hpp"
#include "amq/kernel/cpu_path.hpp"

namespace {

/// Processor time of one thread; relative errors of the prediction over `count` mixed models.
void predict(benchmark::State& state, amq::model_config const& config) {
  constexpr int count = 10;
  amq::serial_executor alone;
  std::vector<amq::format> const choices{{2, 128}, {3, 128}, {4, 128}, {8, 128}, amq::kept<amq::bf16>::value};
  amq::profile_options options;
  options.speed = {.prompt_tokens = 64, .decode_tokens = 16, .repeats = 3, .precision = amq::preferred_precision(1)};
  auto const layers = linears_of(config);
  for (auto _ : state) {
    auto const table = amq::profile_decoding<amq::thread_clock>(config, choices, "bench", options, alone);
    amq::random_stream random(5);
    double sum = 0, worst = 0, seconds = 0;
    for (int i = 0; i < count; ++i) {
      std::vector<amq::format> formats;
      for (std::size_t l = 0; l < layers.size(); ++l)
        formats.push_back(choices[static_cast<std::size_t>(random.below(std::ssize(choices)))]);
      auto const model = amq::synthetic_model(config, formats, 2);
      double const measured = amq::measure_speed<amq::thread_clock>(model, options.speed, alone).decode.total();
      double const error = std::abs(table.token_seconds(layers, formats) / measured - 1);
      sum += error;
      worst = std::max(worst, error);
      seconds += measured;
    }
    state.counters["mean_error_%"] = 100 * sum / count;
    state.counters["worst_error_%"] = 100 * worst;
    state.counters["us_a_token"] = 1e6 * seconds / count;
  }
}

void embedded(benchmark::State& state) { predict(state, amq::load_config(AMQ_SOURCE_FOLDER "/examples/models/tiny")); }
BENCHMARK(embedded)->Iterations(1)->Unit(benchmark::kSecond);

void checkpoint(benchmark::State& state) {
  char const* const folder = std::getenv("AMQ_BENCH_MODEL");
  if (folder == nullptr) return state.SkipWithError("AMQ_BENCH_MODEL names no model folder");
  predict(state, amq::load_config(folder));
}
BENCHMARK(checkpoint)->Iterations(1)->Unit(benchmark::kSecond);

void llama_2_7b_two_blocks(benchmark::State& state) { predict(state, first_blocks(amq::shape_named("llama-2-7b"), 2)); }
BENCHMARK(llama_2_7b_two_blocks)->Iterations(1)->Unit(benchmark::kSecond);

/// Decoding in the shape of Llama 2 7B, widths in turn in each round so that a busy machine is busy for all of them;
/// three blocks and the head, extrapolated to 32. One thread's processor time.
void llama_2_7b_decoding(benchmark::State& state, amq::precision precision) {
  constexpr int blocks = 3, all_blocks = 32, rounds = 3;
  auto const config = first_blocks(amq::shape_named("llama-2-7b"), blocks);
  std::vector<int> const bits{2, 3, 4, 8, 16};
  std::vector<amq::running_model> models;
  for (int const width : bits) {
    amq::format const f = width == 16 ? amq::kept<amq::bf16>::value : amq::format{width, 128};
    models.push_back(amq::synthetic_model(config, std::vector(linears_of(config).size(), f), 1));
  }
  amq::serial_executor alone;
  amq::speed_options const how{
      .prompt_tokens = 32, .decode_tokens = 8, .repeats = 1, .least_seconds = 0, .precision = precision};
  for (auto _ : state) {
    std::vector<std::vector<double>> decode(bits.size()), prefill(bits.size());
    for (int round = 0; round < rounds; ++round)
      for (std::size_t i = 0; i < models.size(); ++i) {
        auto const speed =
            amq::measure_speed<amq::thread_clock>(models[i], how, alone).extrapolated(blocks, all_blocks);
        decode[i].push_back(speed.decode.total());
        prefill[i].push_back(speed.prefill.total());
      }
    double const plain = amq::median(decode.back());
    for (std::size_t i = 0; i < bits.size(); ++i) {
      auto const name = std::to_string(bits[i]);
      state.counters["decode_" + name] = 1 / amq::median(decode[i]);
      state.counters["prefill_" + name] = static_cast<double>(how.prompt_tokens) / amq::median(prefill[i]);
      state.counters["speed_up_" + name] = plain / amq::median(decode[i]);
    }
  }
}
BENCHMARK_CAPTURE(llama_2_7b_decoding, bf16, amq::precision::bf16)->Iterations(1)->Unit(benchmark::kSecond);
BENCHMARK_CAPTURE(llama_2_7b_decoding, int8, amq::precision::int8)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
