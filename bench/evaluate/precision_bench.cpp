// How far losses measured with rounded activations are from those in f32, where a search decides: configurations of
// nearly equal bits, a few exchanges away from a good one.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "amq/core/random.hpp"
#include "amq/evaluate/proxy_evaluator.hpp"
#include "amq/indicate/correlation.hpp"
#include "amq/model/llama.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/space/format_space.hpp"

namespace amq::bench {
namespace {

/// The model that AMQ_BENCH_MODEL names, or the embedded one; real text where AMQ_TEST_DATA has it.
struct setting {
  llama model;
  token_sequences tokens;
  format_space space;

  setting()
      : model(llama::load(from_environment("AMQ_BENCH_MODEL", AMQ_SOURCE_FOLDER "/examples/models/tiny"))),
        tokens(load_tokens(tokens_file())),
        space({model.linears().begin(), model.linears().end()}, std::vector<format>{{2, 128}, {3, 128}, {4, 128}}, 0) {}

  static std::filesystem::path from_environment(char const* name, char const* otherwise) {
    char const* const value = std::getenv(name);
    return value != nullptr ? value : otherwise;
  }
  static std::filesystem::path tokens_file() {
    if (char const* const data = std::getenv("AMQ_TEST_DATA"); data != nullptr)
      return std::filesystem::path(data) / "data/tokens/books.calibration16.tiny.u16";
    return AMQ_SOURCE_FOLDER "/examples/models/tiny/calibration.npy";
  }

  std::vector<double> losses(std::span<configuration const> batch, precision rounded) const {
    thread_executor executor(2);
    proxy_evaluator evaluator(model, tokens, space, hqq{}, jsd{}, executor, no_statistics{}, rounded);
    std::vector<measurement> measured(batch.size());
    evaluator.evaluate(batch, measured);
    std::vector<double> all;
    for (auto const& m : measured) all.push_back(m.loss);
    return all;
  }
};

/// Half of the bits' range to the layers whose low bits cost most a byte.
configuration good_configuration(setting const& given) {
  std::vector<configuration> alone;
  for (index layer = 0; layer < given.space.size(); ++layer) {
    alone.push_back(given.space.highest());
    alone.back()[static_cast<std::size_t>(layer)] = 0;
  }
  auto const costs = given.losses(alone, precision::f32);
  std::vector<std::size_t> order(costs.size());
  std::iota(order.begin(), order.end(), 0);
  auto const size = [&](std::size_t i) {
    auto const& linear = given.model.linears()[i];
    return static_cast<double>(linear.rows * linear.cols);
  };
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return costs[a] / size(a) > costs[b] / size(b); });
  auto genes = given.space.uniform(0);
  double const wanted =
      (given.space.average_bits(given.space.uniform(0)) + given.space.average_bits(given.space.highest())) / 2;
  for (gene const level : {gene{1}, gene{2}})
    for (std::size_t const layer : order) {
      if (given.space.average_bits(genes) >= wanted) return genes;
      genes[layer] = level;
    }
  return genes;
}

/// Its neighbours within 1 % of the bits' range: two to four layers a choice up or down.
std::vector<configuration> neighbours(setting const& given, configuration const& good, std::size_t count) {
  random_stream random(1);
  double const middle = given.space.average_bits(good), range = given.space.average_bits(given.space.highest()) -
                                                                given.space.average_bits(given.space.uniform(0));
  std::vector<configuration> found{good};
  while (found.size() < count) {
    auto genes = good;
    for (index change = 2 + random.below(3); change > 0; --change) {
      auto& gene = genes[static_cast<std::size_t>(random.below(given.space.size()))];
      gene = static_cast<amq::gene>(gene == 1 ? 2 * random.below(2) : 1);
    }
    if (std::abs(given.space.average_bits(genes) - middle) > 0.005 * range) continue;
    if (std::find(found.begin(), found.end(), genes) == found.end()) found.push_back(std::move(genes));
  }
  return found;
}

void precision_near_the_front(benchmark::State& state, precision rounded) {
  setting const given;
  auto const batch = neighbours(given, good_configuration(given), 60);
  std::vector<configuration> const uniform{given.space.highest()};
  auto const exact = given.losses(batch, precision::f32), highest = given.losses(uniform, precision::f32);
  for (auto _ : state) {
    auto const found = given.losses(batch, rounded);
    auto const [least, most] = std::minmax_element(exact.begin(), exact.end());
    state.counters["tau"] = kendall_tau(found, exact).value_or(0);
    state.counters["spread"] = *most / *least;
    state.counters["4bit_loss_ratio"] = given.losses(uniform, rounded)[0] / highest[0];
  }
}

BENCHMARK_CAPTURE(precision_near_the_front, bf16, precision::bf16)->Iterations(1)->Unit(benchmark::kSecond);
BENCHMARK_CAPTURE(precision_near_the_front, int8, precision::int8)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace amq::bench
