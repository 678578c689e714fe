// optimizer: multi-objective search over genes on a cheap problem, and the problem it searches.
#pragma once

#include <concepts>

#include "amq/core/configuration.hpp"
#include "amq/core/random.hpp"

namespace amq {

struct optimizer_category {};

/// Genes (individuals, variables) and their objectives (individuals, objectives), all minimised.
struct population {
  matrix<gene> genes;
  matrix<double> objectives;
};

template <class P>
concept has_variables = requires(P const& p, index variable) {
  { p.variables() } -> std::convertible_to<index>;
  { p.levels(variable) } -> std::convertible_to<int>;
};
template <class P>
concept has_objectives = requires(P const& p) {
  { p.objectives() } -> std::convertible_to<index>;
};
/// Batch-only, so that a predictor sees whole populations.
template <class P>
concept evaluates_batches =
    requires(P& p, matrix_view<gene const> genes, matrix_view<double> objectives) { p.evaluate(genes, objectives); };

template <class P>
concept optimization_problem = has_variables<P> && has_objectives<P> && evaluates_batches<P>;

/// Refinement: knows what each level adds to objective 1 over the lowest: (variables, most levels), infinite past a
/// variable's levels. Objective 1 is then the sum of the sizes and a constant.
template <class P>
concept sized_problem = optimization_problem<P> && requires(P const& p) {
  { p.sizes() } -> std::same_as<matrix<double>>;
};
/// Refinement: has an additive picture of objective 0, in any unit that is monotone in it, shaped as the sizes.
template <class P>
concept additive_problem = sized_problem<P> && requires(P const& p) {
  { p.costs() } -> std::same_as<matrix<double>>;
};
/// Refinement: draws such pictures at random, as unsure as the predictor is.
template <class P>
concept sampled_problem = additive_problem<P> && requires(P const& p, random_stream& random) {
  { p.draw_costs(random) } -> std::same_as<matrix<double>>;
};

/// A type-erased problem models every refinement and says at run time whether it has costs and can draw them.
template <additive_problem P>
bool has_costs(P const& problem) {
  if constexpr (requires { problem.has_costs(); }) return problem.has_costs();
  return true;
}
template <sampled_problem P>
bool has_cost_draws(P const& problem) {
  if constexpr (requires { problem.has_cost_draws(); }) return problem.has_cost_draws();
  return true;
}

template <class O>
concept opts_in_as_optimizer = requires { requires std::same_as<typename O::policy_category, optimizer_category>; };
/// `minimize(problem, start, stream)`: start is (individuals, variables), possibly fewer than a population.
template <class O, class Problem>
concept can_minimize = requires(O const& o, Problem& problem, matrix_view<gene const> start, random_stream& stream) {
  { o.minimize(problem, start, stream) } -> std::same_as<population>;
};

template <class O, class Problem>
concept optimizer = opts_in_as_optimizer<O> && optimization_problem<Problem> && can_minimize<O, Problem>;

/// An optimizer or infill that heeds every column of objectives says so with `static constexpr bool many_objectives =
/// true;`. Others look at the first two, whatever there is beside them.
template <class P>
concept many_objective_policy = requires { requires P::many_objectives; };

/// One sentence for each member that a problem lacks.
template <class P>
constexpr bool diagnose_problem() {
  static_assert(has_variables<P>,
                "amq: a problem needs `index variables() const` and `int levels(index variable) const`, the number of "
                "values a variable takes");
  static_assert(has_objectives<P>, "amq: a problem needs `index objectives() const`; all are minimised");
  static_assert(evaluates_batches<P>,
                "amq: a problem needs `void evaluate(matrix_view<gene const> genes, matrix_view<double> objectives)`, "
                "one row an individual");
  return optimization_problem<P>;
}

/// One sentence for each member that O lacks.
template <class O, class Problem>
constexpr bool diagnose_optimizer() {
  static_assert(opts_in_as_optimizer<O>,
                "amq: an optimizer says so with `using policy_category = amq::optimizer_category;`");
  static_assert(diagnose_problem<Problem>());
  static_assert(
      can_minimize<O, Problem>,
      "amq: an optimizer needs `population minimize(Problem&, matrix_view<gene const> start, random_stream&) const`");
  return optimizer<O, Problem>;
}

}  // namespace amq
