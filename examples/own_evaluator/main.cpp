// A model of your own: an evaluator is one member function, and a strategy of the library does the rest.
#include <amq/search/front.hpp>
#include <amq/search/presets/amq.hpp>
#include <amq/search/search.hpp>
#include <cmath>
#include <cstdio>

/// 24 layers of which the first are the most sensitive; measuring takes a microsecond.
struct made_up_model {
  std::vector<amq::linear_layer> layers() const {
    std::vector<amq::linear_layer> all;
    for (int i = 0; i < 24; ++i) all.push_back({"layer." + std::to_string(i), 256, 256, i / 4, i % 4});
    return all;
  }

  void evaluate(std::span<amq::configuration const> batch, std::span<amq::measurement> out) const {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      out[i].loss = 0.001;
      for (std::size_t layer = 0; layer < batch[i].size(); ++layer)
        out[i].loss += 0.02 / static_cast<double>(1 + layer) * std::pow(0.25, batch[i][layer]);
    }
  }
};

int main() {
  made_up_model model;
  amq::format_space const space(model.layers(), std::vector<amq::format>{{2, 128}, {3, 128}, {4, 128}}, 0);
  amq::memory_archive archive;
  auto const strategy = [](amq::format_space const& whole) { return amq::make_amq_strategy(whole); };
  amq::run_search(space, model, archive, strategy, {.seed = 1, .budget = amq::search_budget::of(300)});
  for (auto const& point : amq::front(archive.evaluations()))
    std::printf("%.3f bits  loss %.5f\n", point.average_bits, point.loss);
}
