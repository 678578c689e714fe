// Predictors that are neither interpolants nor plain Gaussian processes.
#include "amq/predict/additive.hpp"
#include "amq/predict/mlp.hpp"
#include "amq/predict/share.hpp"
#include "policies.hpp"

namespace amq::cli {

std::span<policy_entry<any_predictor> const> other_predictors() {
  static constexpr auto table = policy_table<any_predictor>(
      hana::tuple_t<policy<"mlp", "AMQ's other predictor: a multi-layer perceptron",
                           "width=300, hidden_layers=3, dropout=0.2, epochs=2000, batch=128, held_out=0.2, patience=20",
                           [] { return mlp<>{}; }>,
                    policy<"additive", "a sum of what each layer's choice costs, falling with bits",
                           "unexplained=learned", [] { return additive{}; }>,
                    policy<"share", "a Gaussian process on ln loss over each layer's share of a sum of effects",
                           "interference=true, likelihood_rows=260, likelihood_steps=70", [] { return share{}; }>>);
  return table;
}

}  // namespace amq::cli
