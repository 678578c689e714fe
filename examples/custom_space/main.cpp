// A space of your own: here one gene decides a whole transformer block, so that all its layers share a width.
#include <amq/optimize/nsga2.hpp>
#include <amq/predict/rbf.hpp>
#include <amq/search/front.hpp>
#include <amq/search/search.hpp>
#include <amq/search/surrogate_strategy.hpp>
#include <cstdio>

#include "../made_up_model.hpp"

/// Wraps the space of all layers; strategies see blocks, the evaluator is given layers.
class block_space {
 public:
  explicit block_space(amq::format_space layers) : layers_(std::move(layers)) {}

  amq::index size() const { return layers_.layers().back().block + 1; }
  std::span<amq::format const> choices(amq::index) const { return layers_.choices(0); }
  bool pinned(amq::index) const { return false; }
  double average_bits(std::span<amq::gene const> blocks) const { return layers_.average_bits(expand(blocks)); }
  std::int64_t model_bytes(std::span<amq::gene const> blocks) const { return layers_.model_bytes(expand(blocks)); }

  amq::index feature_count() const { return size(); }
  void features(std::span<amq::gene const> blocks, std::span<double> out) const {
    std::ranges::transform(blocks, out.begin(), [](amq::gene g) { return 0.5 * g; });
  }

  amq::configuration expand(std::span<amq::gene const> blocks) const {
    amq::configuration genes;
    for (auto const& layer : layers_.layers()) genes.push_back(blocks[static_cast<std::size_t>(layer.block)]);
    return genes;
  }

 private:
  amq::format_space layers_;
};

static_assert(amq::search_space<block_space>);  // amq::diagnose_search_space<block_space>() says what is missing

struct block_model {
  block_space const& space;

  void evaluate(std::span<amq::configuration const> batch, std::span<amq::measurement> out) const {
    for (std::size_t i = 0; i < batch.size(); ++i) out[i].loss = made_up_model::loss(space.expand(batch[i]));
  }
};

int main() {
  block_space const space(made_up_model::space(70));
  block_model model{space};
  amq::memory_archive archive;
  using strategy = amq::surrogate_strategy<amq::rbf<>, amq::nsga2<>, amq::spread_infill, amq::amq_design, block_space>;
  auto const make = [](block_space const& whole) { return strategy(whole); };
  amq::run_search(space, model, archive, make, {.seed = 1, .budget = amq::search_budget::of(150)});
  amq::front const front(archive.evaluations());
  for (auto const& point : front) std::printf("%.3f bits  loss %.5f\n", point.average_bits, point.loss);
  return front.size() >= 10 && front[0].configuration.size() == 10 ? 0 : 1;
}
