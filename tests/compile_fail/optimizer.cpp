// A complete optimizer and problem, and what is said when a member of either is missing.
//
// WITHOUT_CATEGORY: amq: an optimizer says so with `using policy_category = amq::optimizer_category;`
// WITHOUT_MINIMIZE: amq: an optimizer needs `population minimize(
// WITHOUT_LEVELS: amq: a problem needs `index variables() const` and `int levels(index variable) const`
// WITHOUT_OBJECTIVES: amq: a problem needs `index objectives() const`
// WITHOUT_EVALUATE: amq: a problem needs `void evaluate(
#include "amq/concepts/optimizer.hpp"

struct my_problem {
  amq::index variables() const;
#ifndef WITHOUT_LEVELS
  int levels(amq::index variable) const;
#endif
#ifndef WITHOUT_OBJECTIVES
  amq::index objectives() const;
#endif
#ifndef WITHOUT_EVALUATE
  void evaluate(amq::matrix_view<amq::gene const> genes, amq::matrix_view<double> objectives);
#endif
};

struct my_optimizer {
#ifndef WITHOUT_CATEGORY
  using policy_category = amq::optimizer_category;
#endif
#ifndef WITHOUT_MINIMIZE
  template <class Problem>
  amq::population minimize(Problem&, amq::matrix_view<amq::gene const> start, amq::random_stream&) const;
#endif
};
static_assert(amq::diagnose_optimizer<my_optimizer, my_problem>());
