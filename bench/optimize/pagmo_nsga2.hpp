// pagmo2's NSGA-II on the knapsack; in a translation unit of its own, which is built where pagmo2 is installed.
#pragma once

#include "amq/core/matrix.hpp"

namespace amq::bench {

/// Objectives of the last population. Whole-numbered variables, pagmo2's own operators: crossover .95, mutation 1/n.
matrix<double> pagmo_nsga2(unsigned population, unsigned generations, unsigned seed);

}  // namespace amq::bench
