// predictor: the surrogate of quality. It learns from measured configurations and predicts the loss of others.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>

#include "amq/core/configuration.hpp"
#include "amq/core/random.hpp"

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

/// Refinement: thinks of a loss as a sum over layers (or of something monotone in one); `layer_costs()` is (layers,
/// most choices), infinite past a layer's choices.
template <class P, class Space>
concept additive_predictor = predictor<P, Space> && requires(P const& p) {
  { p.layer_costs() } -> std::same_as<matrix<double>>;
};

/// Refinement: draws one function from its posterior, seen at these rows together; `draw(genes, random, out)`.
template <class P, class Space>
concept sampling_predictor =
    predictor<P, Space> && requires(P const& p, matrix_view<gene const> genes, random_stream& random,
                                    std::span<double> out) { p.draw(genes, random, out); };

/// Refinement of an additive predictor: layer costs drawn from its posterior.
template <class P, class Space>
concept sampling_additive_predictor = additive_predictor<P, Space> && requires(P const& p, random_stream& random) {
  { p.draw_layer_costs(random) } -> std::same_as<matrix<double>>;
};

/// The refinements as values, for types that are known at run time only. An infill or an optimizer that cannot do
/// without one says so: `static constexpr predictor_ability needs = predictor_ability::variance;`.
enum class predictor_ability : std::uint8_t { variance, draws, layer_costs, layer_cost_draws };

/// What a policy says that it cannot do without.
template <class Policy>
constexpr std::optional<predictor_ability> needed_ability() {
  if constexpr (requires { predictor_ability{Policy::needs}; }) return Policy::needs;
  return std::nullopt;
}

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
