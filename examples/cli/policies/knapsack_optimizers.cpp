// Optimizers that know what each choice weighs.
#include "amq/optimize/knapsack.hpp"
#include "amq/optimize/local_knapsack.hpp"
#include "policies.hpp"

namespace amq::cli {

std::span<policy_entry<any_optimizer> const> knapsack_optimizers() {
  static constexpr auto table = policy_table<any_optimizer>(
      hana::tuple_t<
          policy<"knapsack", "exact optima of the predictor's layer costs", "sizes=160", [] { return knapsack{}; }>,
          policy<"local_knapsack", "knapsacks on the prediction's single-gene changes around its front, polished",
                 "sizes=160, rounds=2, centres=14, local_sizes=17, reach=0.04, polish_rounds=12, offspring=200",
                 [] { return local_knapsack{}; }>>);
  return table;
}

}  // namespace amq::cli
