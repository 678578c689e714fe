// The preset `amq`.
// USES: amq/search/presets/amq.hpp amq/predict/rbf.hpp amq/optimize/nsga2.hpp amq/search/subset_selection.hpp
// USES: amq/search/amq_design.hpp
#include "amq/search/presets/amq.hpp"

#include "amq/search/memory_archive.hpp"

std::vector<amq::configuration> batch(amq::format_space const& space, amq::memory_archive const& archive,
                                      amq::random_stream& random) {
  return amq::make_amq_strategy(space).ask(archive, 50, random);
}
