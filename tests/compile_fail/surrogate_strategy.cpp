// A predictor of one's own in AMQ's strategy, and what is said at that entry point when a member is missing.
//
// WITHOUT_CATEGORY: amq: a predictor says so with `using policy_category = amq::predictor_category;`
// WITHOUT_FIT: amq: a predictor needs `void fit(
// WITHOUT_PREDICT: amq: a predictor needs `void predict(
#include "amq/search/surrogate_strategy.hpp"
#include "amq/optimize/nsga2.hpp"
#include "amq/search/memory_archive.hpp"

struct my_predictor {
#ifndef WITHOUT_CATEGORY
  using policy_category = amq::predictor_category;
#endif
#ifndef WITHOUT_FIT
  template <class Space>
  void fit(Space const&, amq::matrix_view<amq::gene const> genes, std::span<double const> losses);
#endif
#ifndef WITHOUT_PREDICT
  void predict(amq::matrix_view<amq::gene const> genes, std::span<double> losses) const;
#endif
};

std::vector<amq::configuration> ask(amq::format_space const& space, amq::memory_archive const& archive,
                                    amq::random_stream& random) {
  return amq::surrogate_strategy<my_predictor, amq::nsga2<>>(space).ask(archive, 10, random);
}
