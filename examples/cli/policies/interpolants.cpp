// Radial basis functions.
#include "amq/predict/log_target.hpp"
#include "amq/predict/rbf.hpp"
#include "policies.hpp"

namespace amq::cli {

std::span<policy_entry<any_predictor> const> interpolants() {
  static constexpr auto table = policy_table<any_predictor>(
      hana::tuple_t<policy<"rbf", "AMQ's predictor: a radial basis function interpolant, cubic, with a linear tail",
                           "eta=1e-6", [] { return rbf<cubic, linear_tail>{}; }>,
                    policy<"rbf_thin_plate", "the same with the kernel r^2 ln r", "eta=1e-6",
                           [] { return rbf<thin_plate, linear_tail>{}; }>,
                    policy<"rbf_linear", "the same with the kernel r and a constant tail", "eta=1e-6",
                           [] { return rbf<linear, constant_tail>{}; }>,
                    policy<"rbf_gaussian", "the same with a Gaussian kernel and a constant tail", "eta=1e-6, width=0.5",
                           [] { return rbf<gaussian, constant_tail>{}; }>,
                    policy<"log_rbf", "rbf of ln loss", "eta=1e-6", [] { return log_target<rbf<>>{}; }>>);
  return table;
}

}  // namespace amq::cli
