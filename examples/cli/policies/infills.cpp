// Which candidates are measured next.
#include "amq/search/crowding_infill.hpp"
#include "amq/search/expected_hypervolume_infill.hpp"
#include "amq/search/hypervolume_infill.hpp"
#include "amq/search/subset_selection.hpp"
#include "amq/search/thompson_infill.hpp"
#include "policies.hpp"

namespace amq::cli {

std::span<policy_entry<any_infill> const> infills() {
  static constexpr auto table = policy_table<any_infill>(
      hana::tuple_t<policy<"spread", "AMQ's: spread evenly over the bits axis", "population=100, generations=60",
                           [] { return spread_infill{}; }>,
                    policy<"hypervolume", "greedy gain of predicted hypervolume, half raw, half logarithmic",
                           "pool=3000", [] { return hypervolume_infill({.log_share = 0.5}); }>,
                    policy<"hypervolume_raw", "the same, raw alone", "pool=3000",
                           [] { return hypervolume_infill({.log_share = 0}); }>,
                    policy<"hypervolume_log", "the same, logarithmic alone", "pool=3000",
                           [] { return hypervolume_infill({.log_share = 1}); }>,
                    policy<"ehvi", "expected gain of raw hypervolume", "",
                           [] { return expected_hypervolume_infill(loss_scale::raw); }>,
                    policy<"ehvi_log", "expected gain of logarithmic hypervolume", "",
                           [] { return expected_hypervolume_infill(loss_scale::logarithmic); }>,
                    policy<"thompson", "the best of losses drawn from the predictor's posterior, one draw a choice", "",
                           [] { return thompson_infill{}; }>,
                    policy<"crowding", "NSGA-II's survivors; for searches with more than two objectives", "",
                           [] { return crowding_infill{}; }>>);
  return table;
}

}  // namespace amq::cli
