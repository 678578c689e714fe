#include "optimize/pagmo_nsga2.hpp"

#if AMQ_BENCH_PAGMO
#include <algorithm>
#include <pagmo/algorithm.hpp>
#include <pagmo/algorithms/nsga2.hpp>
#include <pagmo/population.hpp>
#include <pagmo/problem.hpp>
#include <utility>

#include "optimize/knapsack_problem.hpp"

namespace amq::bench {
namespace {

struct adapted {
  layer_knapsack problem;

  pagmo::vector_double fitness(pagmo::vector_double const& x) const {
    pagmo::vector_double objectives(2);
    problem.rate(x.data(), objectives.data());
    return objectives;
  }
  std::pair<pagmo::vector_double, pagmo::vector_double> get_bounds() const {
    return {pagmo::vector_double(layer_knapsack::layers, 0.0),
            pagmo::vector_double(layer_knapsack::layers, layer_knapsack::choices - 1.0)};
  }
  pagmo::vector_double::size_type get_nobj() const { return 2; }
  pagmo::vector_double::size_type get_nix() const { return layer_knapsack::layers; }
};

}  // namespace

matrix<double> pagmo_nsga2(unsigned population, unsigned generations, unsigned seed) {
  pagmo::population const start{pagmo::problem{adapted{}}, population, seed};
  pagmo::algorithm const optimizer{
      pagmo::nsga2(generations - 1, 0.95, 10, 1.0 / static_cast<double>(layer_knapsack::layers), 50, seed)};
  auto const result = optimizer.evolve(start).get_f();
  matrix<double> objectives(std::ssize(result), 2);
  for (index i = 0; i < objectives.rows(); ++i)
    std::ranges::copy(result[static_cast<std::size_t>(i)], objectives.row(i).begin());
  return objectives;
}

}  // namespace amq::bench
#endif
