// Memory that GPTQ of a whole model takes beside the mapped checkpoint; AMQ_BENCH_MODEL names another model's folder.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "amq/calibrate/sequential.hpp"
#include "amq/core/executor.hpp"
#include "amq/model/llama.hpp"
#include "amq/quantize/gptq.hpp"

namespace {

/// MiB of this process that no file backs (Linux).
double anonymous_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "RssAnon:") {
      double kib = 0;
      status >> kib;
      return kib / 1024;
    }
  return 0;
}

/// The most that was seen while this lived, a look every millisecond.
class memory_watch {
 public:
  memory_watch() : watcher_([this] { watch(); }) {}
  ~memory_watch() { stop(); }

  double stop() {
    done_ = true;
    if (watcher_.joinable()) watcher_.join();
    return most_;
  }

 private:
  void watch() {
    while (!done_) {
      most_ = std::max(most_, anonymous_mib());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  std::atomic<bool> done_{false};
  double most_ = 0;
  std::thread watcher_;
};

/// Packs what comes and forgets it, as a writer of files does.
class forgetful_sink : public amq::quantized_sink {
 public:
  void layer(amq::index, amq::quantized_matrix&& quantized) override { benchmark::DoNotOptimize(quantized.rows()); }
  void vector(std::string const&, std::span<float const>) override {}
  void note(std::string const&) override {}
};

void memory_of_model(benchmark::State& state) {
  char const* const named = std::getenv("AMQ_BENCH_MODEL");
  auto const model = amq::llama::load(named != nullptr ? named : AMQ_SOURCE_FOLDER "/examples/models/tiny");
  amq::matrix<std::int32_t> ids(8, 128);
  for (amq::index i = 0; i < ids.size(); ++i)
    ids.data()[i] = static_cast<std::int32_t>(i * i % model.config().vocabulary);
  amq::token_sequences const tokens(std::move(ids));
  std::vector<amq::format> const formats(model.linears().size(), {3, 128});
  double largest_block = 0, weights = 0;
  for (int block = 0; block < model.blocks(); ++block) {
    double elements = 0;
    for (auto const& linear : model.linears())
      if (linear.block == block) elements += static_cast<double>(linear.rows * linear.cols);
    largest_block = std::max(largest_block, elements);
    weights += elements;
  }
  double const before = anonymous_mib();
  double most = 0;
  amq::thread_executor executor(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    memory_watch watch;
    forgetful_sink sink;
    amq::sequential<amq::gptq>().quantize(model, formats, tokens, sink, executor);
    most = std::max(most, watch.stop());
  }
  constexpr double mib = 1 << 20;
  state.counters["checkpoint_MiB"] = 2 * weights / mib;
  state.counters["block_f32_MiB"] = 4 * largest_block / mib;
  state.counters["loaded_MiB"] = before;
  state.counters["peak_MiB"] = most;
}

BENCHMARK(memory_of_model)->ArgName("threads")->Arg(1)->Arg(2)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
