// A complete predictor, and what is said when a member is missing or is not const.
//
// WITHOUT_CATEGORY: amq: a predictor says so with `using policy_category = amq::predictor_category;`
// WITHOUT_FIT: amq: a predictor needs `void fit(
// WITHOUT_PREDICT: amq: a predictor needs `void predict(
// WITHOUT_CONST: amq: a predictor needs `void predict(
#include "amq/concepts/predictor.hpp"

struct my_space {};

struct my_predictor {
#ifndef WITHOUT_CATEGORY
  using policy_category = amq::predictor_category;
#endif
#ifndef WITHOUT_FIT
  void fit(my_space const&, amq::matrix_view<amq::gene const> genes, std::span<double const> losses);
#endif
#if defined(WITHOUT_CONST)
  void predict(amq::matrix_view<amq::gene const> genes, std::span<double> losses);
#elif !defined(WITHOUT_PREDICT)
  void predict(amq::matrix_view<amq::gene const> genes, std::span<double> losses) const;
#endif
};
static_assert(amq::diagnose_predictor<my_predictor, my_space>());
