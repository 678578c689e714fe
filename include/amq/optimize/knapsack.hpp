// knapsack: the optimizer for additive predictions; its whole front is one dynamic programme.
#pragma once

#include "amq/concepts/optimizer.hpp"
#include "amq/concepts/predictor.hpp"
#include "amq/optimize/multiple_choice_knapsack.hpp"

namespace amq {

struct knapsack_options {
  index sizes = 160;  ///< budgets, evenly spread from all-lowest to all-highest
};

/// Models optimizer for additive problems: the optima of the problem's additive costs at evenly spread sizes,
/// evaluated. Ignores start and random.
class knapsack {
 public:
  using policy_category = optimizer_category;
  static constexpr auto needs = predictor_ability::layer_costs;

  explicit knapsack(knapsack_options options = {}) : options_(options) {
    AMQ_EXPECTS(options.sizes >= 1, "knapsack needs at least one size, not " + std::to_string(options.sizes));
  }

  template <additive_problem Problem>
  population minimize(Problem& problem, matrix_view<gene const>, random_stream&) const {
    multiple_choice_knapsack const optima(problem.costs(), problem.sizes());
    population found{matrix<gene>(options_.sizes, problem.variables()),
                     matrix<double>(options_.sizes, problem.objectives())};
    for (index i = 0; i < options_.sizes; ++i)
      optima.within(
          optima.total() * static_cast<double>(i) / static_cast<double>(std::max<index>(1, options_.sizes - 1)),
          found.genes.row(i));
    problem.evaluate(found.genes, found.objectives);
    return found;
  }

 private:
  knapsack_options options_;
};

}  // namespace amq
