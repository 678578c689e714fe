// predictor: the surrogate of quality. It learns from measured configurations and predicts the loss of others.
#pragma once

#include <concepts>
#include <span>

#include "amq/core/configuration.hpp"

namespace amq {

struct predictor_category {};

template <class P>
concept opts_in_as_predictor = requires { requires std::same_as<typename P::policy_category, predictor_category>; };
/// `fit(space, genes, losses)`: genes is (configurations, layers). Equal data in equal order gives equal bits, however
/// many smaller fits went before.
template <class P, class Space>
concept can_fit = requires(P& p, Space const& space, matrix_view<gene const> genes, std::span<double const> losses) {
  p.fit(space, genes, losses);
};
template <class P>
concept can_predict =
    requires(P const& p, matrix_view<gene const> genes, std::span<double> out) { p.predict(genes, out); };

template <class P, class Space>
concept predictor = opts_in_as_predictor<P> && can_fit<P, Space> && can_predict<P>;

/// Refinement: knows how unsure it is; `variance(genes, out)` in squared units of the prediction.
template <class P, class Space>
concept uncertain_predictor = predictor<P, Space> && requires(P const& p, matrix_view<gene const> genes,
                                                              std::span<double> out) { p.variance(genes, out); };

/// One sentence for each member that P lacks.
template <class P, class Space>
constexpr bool diagnose_predictor() {
  static_assert(opts_in_as_predictor<P>,
                "amq: a predictor says so with `using policy_category = amq::predictor_category;`");
  static_assert(can_fit<P, Space>,
                "amq: a predictor needs `void fit(Space const&, matrix_view<gene const> genes, std::span<double const> "
                "losses)`, one row of genes for each loss");
  static_assert(can_predict<P>,
                "amq: a predictor needs `void predict(matrix_view<gene const> genes, std::span<double> losses) const`; "
                "is yours missing `const`?");
  return predictor<P, Space>;
}

}  // namespace amq
