// What is said of a predictor, an optimizer or an infill that cannot be known by name because it lacks a member.
//
// WITHOUT_PREDICT: amq: a predictor needs `void predict(matrix_view<gene const> genes, std::span<double> losses) const`
// WITHOUT_MINIMIZE: amq: an optimizer needs `population minimize(Problem&,
// WITHOUT_SELECT: amq: an infill needs `std::vector<index> select(
#include "amq/search/erased_parts.hpp"

struct my_predictor {
  using policy_category = amq::predictor_category;
  template <class Space>
  void fit(Space const&, amq::matrix_view<amq::gene const>, std::span<double const>) {}
#ifndef WITHOUT_PREDICT
  void predict(amq::matrix_view<amq::gene const>, std::span<double>) const {}
#endif
};

struct my_optimizer {
  using policy_category = amq::optimizer_category;
#ifndef WITHOUT_MINIMIZE
  template <class Problem>
  amq::population minimize(Problem&, amq::matrix_view<amq::gene const>, amq::random_stream&) const {
    return {};
  }
#endif
};

struct my_infill {
  using policy_category = amq::infill_category;
#ifndef WITHOUT_SELECT
  template <class Predictor>
  std::vector<amq::index> select(Predictor const&, amq::population const&, amq::infill_context const&, amq::index,
                                 amq::random_stream&) const {
    return {};
  }
#endif
};

void by_name() {
  amq::any_predictor predictor{my_predictor{}};
  amq::any_optimizer optimizer{my_optimizer{}};
  amq::any_infill infill{my_infill{}};
}
