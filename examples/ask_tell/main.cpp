// Your own loop: a strategy is asked, you measure however you like, and it is told. Nothing else runs.
#include <amq/search/evolution.hpp>
#include <amq/search/front.hpp>
#include <amq/search/greedy.hpp>
#include <amq/search/memory_archive.hpp>
#include <cmath>
#include <cstdio>

/// What you would send to a GPU, a queue or a colleague.
double measure(amq::configuration const& genes) {
  double loss = 0.001;
  for (std::size_t layer = 0; layer < genes.size(); ++layer)
    loss += 0.02 / static_cast<double>(1 + layer) * std::pow(0.25, genes[layer]);
  return loss;
}

/// Any strategy of the library; each ask draws from a stream of its own, so a loop that is stopped may go on later.
template <class Strategy>
amq::memory_archive search(amq::format_space const& space, Strategy strategy, amq::index evaluations) {
  amq::memory_archive archive;
  for (std::uint64_t round = 0; std::ssize(archive.evaluations()) < evaluations; ++round) {
    amq::random_stream random(1, round);
    auto const left = evaluations - std::ssize(archive.evaluations());
    auto const asked = strategy.ask(archive, std::min<amq::index>(10, left), random);
    if (asked.empty()) break;  // everything is measured
    std::vector<double> losses;
    for (auto const& genes : asked) {
      losses.push_back(measure(genes));
      archive.record({genes, space.average_bits(genes), space.model_bytes(genes), losses.back(), {}});
    }
    strategy.tell(asked, losses);
  }
  return archive;
}

int main() {
  std::vector<amq::linear_layer> layers;
  for (int i = 0; i < 24; ++i) layers.push_back({"layer." + std::to_string(i), 256, 256, i / 4, i % 4});
  amq::format_space const space(layers, std::vector<amq::format>{{2, 128}, {3, 128}, {4, 128}}, 0);
  for (double const bits : {2.5, 3.0, 3.5, 4.0}) {
    auto const by_greed = amq::front(search(space, amq::greedy(space), 200).evaluations());
    auto const evolved = amq::front(search(space, amq::evolution(space), 200).evaluations());
    std::printf("%.1f bits: greedy %.5f, evolution %.5f\n", bits, by_greed.best_within(bits).loss,
                evolved.best_within(bits).loss);
  }
}
