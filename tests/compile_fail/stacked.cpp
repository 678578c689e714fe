// Predictors made of predictors, and what is said when one of the parts lacks something.
//
// WITHOUT_CATEGORY: amq: a predictor says so with `using policy_category = amq::predictor_category;`
// WITHOUT_PREDICT: amq: a predictor needs `void predict(
#include "amq/predict/stacked.hpp"

#include "amq/predict/log_target.hpp"
#include "amq/space/format_space.hpp"

struct whole {
  using policy_category = amq::predictor_category;
  void fit(amq::format_space const&, amq::matrix_view<amq::gene const>, std::span<double const>);
  void predict(amq::matrix_view<amq::gene const>, std::span<double>) const;
};

struct part {
#ifndef WITHOUT_CATEGORY
  using policy_category = amq::predictor_category;
#endif
  void fit(amq::format_space const&, amq::matrix_view<amq::gene const>, std::span<double const>);
#ifndef WITHOUT_PREDICT
  void predict(amq::matrix_view<amq::gene const>, std::span<double>) const;
#endif
};

void fit(amq::stacked<whole, amq::log_target<part>>& model, amq::format_space const& space) {
  model.fit(space, amq::matrix<amq::gene>(1, 1), std::vector<double>{1});
}
