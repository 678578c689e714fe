// A Gaussian process under MOEA/D.
// USES: amq/predict/gp.hpp amq/optimize/moead.hpp amq/search/subset_selection.hpp amq/search/amq_design.hpp
#include "amq/optimize/moead.hpp"
#include "amq/predict/gp.hpp"
#include "amq/search/memory_archive.hpp"
#include "amq/search/surrogate_strategy.hpp"

std::vector<amq::configuration> batch(amq::format_space const& space, amq::memory_archive const& archive,
                                      amq::random_stream& random) {
  return amq::surrogate_strategy<amq::gp<>, amq::moead<>>(space).ask(archive, 50, random);
}
