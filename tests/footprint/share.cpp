// The share model, local knapsacks and hypervolume batches by hand; the last two are surrogate_strategy's defaults.
// USES: amq/predict/share.hpp amq/optimize/local_knapsack.hpp amq/search/hypervolume_infill.hpp
// USES: amq/search/sensitivity_design.hpp
// USES: amq/search/subset_selection.hpp amq/search/amq_design.hpp
#include "amq/predict/share.hpp"
#include "amq/optimize/local_knapsack.hpp"
#include "amq/search/hypervolume_infill.hpp"
#include "amq/search/memory_archive.hpp"
#include "amq/search/sensitivity_design.hpp"
#include "amq/search/surrogate_strategy.hpp"

std::vector<amq::configuration> batch(amq::format_space const& space, amq::memory_archive const& archive,
                                      amq::random_stream& random) {
  using strategy =
      amq::surrogate_strategy<amq::share, amq::local_knapsack, amq::hypervolume_infill, amq::sensitivity_design>;
  return strategy(space).ask(archive, 20, random);
}
