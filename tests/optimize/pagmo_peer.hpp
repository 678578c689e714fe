// pagmo2's optimizers on a problem of ours; in a translation unit of its own, which is built where pagmo2 is installed.
#pragma once

#include <functional>
#include <span>

#include "amq/core/configuration.hpp"

namespace amq::testing {

struct peer_problem {
  index variables;
  int levels;  ///< of every variable
  index objectives;
  std::function<void(matrix_view<gene const>, matrix_view<double>)> evaluate;
};

/// Objectives of the last population. pagmo2's own operators with its defaults, whole-numbered variables.
matrix<double> pagmo_nsga2(peer_problem const& problem, unsigned population, unsigned generations, unsigned seed);

}  // namespace amq::testing
