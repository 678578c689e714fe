// Gaussian processes.
#include "amq/predict/additive.hpp"
#include "amq/predict/gp.hpp"
#include "amq/predict/log_target.hpp"
#include "amq/predict/stacked.hpp"
#include "policies.hpp"

namespace amq::cli {

std::span<policy_entry<any_predictor> const> gaussian_processes() {
  static constexpr auto table = policy_table<any_predictor>(
      hana::tuple_t<
          policy<"gp", "a Gaussian process, Matern 5/2, hyper-parameters by likelihood",
                 "growth=1.25, learned_rows=300", [] { return gp<matern52>{}; }>,
          policy<"gp_rbf", "the same with a squared exponential kernel", "growth=1.25, learned_rows=300",
                 [] { return gp<squared_exponential>{}; }>,
          policy<"gp_matern32", "the same with Matern 3/2", "growth=1.25, learned_rows=300",
                 [] { return gp<matern32>{}; }>,
          policy<"gp_hamming", "the same with choices as categories", "growth=1.25, learned_rows=300",
                 [] { return gp<hamming>{}; }>,
          policy<"log_gp", "gp of ln loss", "growth=1.25, learned_rows=300", [] { return log_target<gp<matern52>>{}; }>,
          policy<"additive_gp", "gp of what additive gets wrong", "growth=1.25, learned_rows=300",
                 [] { return stacked<additive, gp<matern52>>{}; }>>);
  return table;
}

}  // namespace amq::cli
