// A small program of somebody else: their evaluator, amq's search, nothing of a model.
#include <amq/search/front.hpp>
#include <amq/search/presets/amq.hpp>
#include <amq/search/search.hpp>
#include <amq/space/format_space.hpp>
#include <cmath>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

namespace {

/// Every layer loses by itself, the first ones most; halved by each bit.
struct additive_evaluator {
  void evaluate(std::span<amq::configuration const> batch, std::span<amq::measurement> out) const {
    for (std::size_t i = 0; i < batch.size(); ++i)
      for (std::size_t layer = 0; layer < batch[i].size(); ++layer)
        out[i].loss += std::ldexp(1.0 / static_cast<double>(layer + 1), -batch[i][layer]);
  }
};

}  // namespace

int main() {
  std::vector<amq::linear_layer> layers;
  for (int i = 0; i < 12; ++i) layers.push_back({"layer." + std::to_string(i), 64, 128, i, 0});
  amq::format_space const space(layers, std::vector<amq::format>{{2, 128}, {3, 128}, {4, 128}}, 0);

  additive_evaluator evaluator;
  amq::memory_archive archive;
  auto const strategy = [](amq::format_space const& whole) {
    return amq::make_amq_strategy(whole, {.initial = 30}, {.population = 20, .generations = 5});
  };
  amq::run_search(space, evaluator, archive, strategy, {.seed = 7, .budget = amq::search_budget::of(120)});

  amq::front const front(archive.evaluations());
  for (auto const& point : front) std::printf("%.3f bits  loss %.4f\n", point.average_bits, point.loss);

  double const uniform = archive.find(amq::configuration(layers.size(), 1))->loss;
  bool const better = front.best_within(3.25).loss < uniform;
  return archive.evaluations().size() == 120 && better ? 0 : 1;
}
