// An optimizer of your own: it sees variables, levels and a batch of objectives, never a model or a predictor.
#include <amq/predict/rbf.hpp>
#include <amq/search/front.hpp>
#include <amq/search/search.hpp>
#include <amq/search/surrogate_strategy.hpp>
#include <cstdio>

#include "../made_up_model.hpp"

/// Simulated annealing by many walkers, each with a price of its own for a bit of average width.
class annealing {
 public:
  using policy_category = amq::optimizer_category;

  template <class Problem>
  amq::population minimize(Problem& problem, amq::matrix_view<amq::gene const> start, amq::random_stream& draws) const {
    auto const draw = [&](amq::index v) { return static_cast<amq::gene>(draws.below(problem.levels(v))); };
    amq::population walkers{{count, problem.variables()}, {count, 2}};
    for (amq::index w = 0; w < count; ++w)
      for (amq::index v = 0; v < problem.variables(); ++v) walkers.genes(w, v) = w < start.rows ? start(w, v) : draw(v);
    problem.evaluate(walkers.genes, walkers.objectives);
    for (int step = 0; step < steps; ++step) {
      amq::population tried{walkers.genes.clone(), {count, 2}};
      for (amq::index w = 0; w < count; ++w) {
        auto const v = draws.below(problem.variables());
        tried.genes(w, v) = draw(v);
      }
      problem.evaluate(tried.genes, tried.objectives);
      double const temperature = 0.2 * (1 - static_cast<double>(step) / steps);
      for (amq::index w = 0; w < count; ++w) {
        double const worse = cost(tried, w) - cost(walkers, w);
        if (worse > 0 && draws.uniform() >= std::exp(-worse / temperature)) continue;
        std::ranges::copy(tried.genes.row(w), walkers.genes.row(w).begin());
        std::ranges::copy(tried.objectives.row(w), walkers.objectives.row(w).begin());
      }
    }
    return walkers;
  }

 private:
  static constexpr amq::index count = 60;
  static constexpr int steps = 150;

  static double cost(amq::population const& all, amq::index w) {
    double const price = 0.5 + 3.0 * static_cast<double>(w) / count;
    return std::log(std::max(all.objectives(w, 0), 1e-9)) + price * all.objectives(w, 1);
  }
};

int main() {
  auto const space = made_up_model::space(20);
  made_up_model model;
  amq::memory_archive archive;
  auto const make = [](auto const& whole) { return amq::surrogate_strategy<amq::rbf<>, annealing>(whole); };
  amq::run_search(space, model, archive, make, {.seed = 1, .budget = amq::search_budget::of(200)});
  double const best = amq::front(archive.evaluations()).best_within(2.5).loss;
  std::printf("2.5 bits: %.5f, all at 2 bits: %.5f\n", best, archive.find(space.lowest())->loss);
  return best < 0.8 * archive.find(space.lowest())->loss ? 0 : 1;
}
