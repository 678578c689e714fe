// Infills that need more of a predictor than its predictions, and what is said when it lacks that.
//
// WITHOUT_VARIANCE: amq: expected_hypervolume_infill needs a predictor with `void variance(
// WITHOUT_DRAW: amq: thompson_infill needs a predictor with `void draw(
#include "amq/optimize/nsga2.hpp"
#include "amq/search/expected_hypervolume_infill.hpp"
#include "amq/search/memory_archive.hpp"
#include "amq/search/surrogate_strategy.hpp"
#include "amq/search/thompson_infill.hpp"

struct my_predictor {
  using policy_category = amq::predictor_category;
  template <class Space>
  void fit(Space const&, amq::matrix_view<amq::gene const> genes, std::span<double const> losses);
  void predict(amq::matrix_view<amq::gene const> genes, std::span<double> losses) const;
#ifndef WITHOUT_VARIANCE
  void variance(amq::matrix_view<amq::gene const> genes, std::span<double> out) const;
#endif
#ifndef WITHOUT_DRAW
  void draw(amq::matrix_view<amq::gene const> genes, amq::random_stream&, std::span<double> out) const;
#endif
};

template <class Infill>
using strategy = amq::surrogate_strategy<my_predictor, amq::nsga2<>, Infill>;

void ask(amq::format_space const& space, amq::memory_archive const& archive, amq::random_stream& random) {
  strategy<amq::expected_hypervolume_infill>(space).ask(archive, 10, random);
  strategy<amq::thompson_infill>(space).ask(archive, 10, random);
}
