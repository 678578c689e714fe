#include "optimize/pagmo_peer.hpp"

#if AMQ_TESTS_PAGMO
#include <algorithm>
#include <pagmo/algorithm.hpp>
#include <pagmo/algorithms/nsga2.hpp>
#include <pagmo/population.hpp>
#include <pagmo/problem.hpp>
#include <utility>
#include <vector>

namespace amq::testing {
namespace {

struct adapted {
  peer_problem problem;

  pagmo::vector_double fitness(pagmo::vector_double const& x) const {
    matrix<gene> genes(1, problem.variables);
    std::ranges::transform(x, genes.data(), [](double value) { return static_cast<gene>(value + 0.5); });
    matrix<double> objectives(1, problem.objectives);
    problem.evaluate(genes, objectives);
    return {objectives.data(), objectives.data() + objectives.size()};
  }
  std::pair<pagmo::vector_double, pagmo::vector_double> get_bounds() const {
    auto const n = static_cast<std::size_t>(problem.variables);
    return {pagmo::vector_double(n, 0.0), pagmo::vector_double(n, problem.levels - 1.0)};
  }
  pagmo::vector_double::size_type get_nobj() const { return static_cast<std::size_t>(problem.objectives); }
  pagmo::vector_double::size_type get_nix() const { return static_cast<std::size_t>(problem.variables); }
};

}  // namespace

matrix<double> pagmo_nsga2(peer_problem const& problem, unsigned population, unsigned generations, unsigned seed) {
  pagmo::population const start{pagmo::problem{adapted{problem}}, population, seed};
  pagmo::algorithm const optimizer{
      pagmo::nsga2(generations - 1, 0.95, 10, 1.0 / static_cast<double>(problem.variables), 50, seed)};
  auto const result = optimizer.evolve(start).get_f();
  matrix<double> objectives(std::ssize(result), problem.objectives);
  for (index i = 0; i < objectives.rows(); ++i)
    std::ranges::copy(result[static_cast<std::size_t>(i)], objectives.row(i).begin());
  return objectives;
}

}  // namespace amq::testing
#endif
