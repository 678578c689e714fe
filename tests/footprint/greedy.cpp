// A strategy without a predictor.
// USES: amq/search/presets/greedy.hpp
#include "amq/search/presets/greedy.hpp"
#include "amq/search/memory_archive.hpp"

std::vector<amq::configuration> batch(amq::format_space const& space, amq::memory_archive const& archive,
                                      amq::random_stream& random) {
  return amq::greedy_preset::make(space, {}).ask(archive, 50, random);
}
