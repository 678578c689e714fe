// The candidates that are worth a look: those nearest to their own predicted front.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "amq/core/matrix.hpp"

namespace amq::detail {

/// Rows with the least ln loss above the candidates' own front at their bits.
inline std::vector<index> nearest_to_front(matrix<double> const& objectives, index most) {
  std::vector<index> order(static_cast<std::size_t>(objectives.rows()));
  std::iota(order.begin(), order.end(), index{0});
  std::stable_sort(order.begin(), order.end(), [&](index a, index b) {
    return objectives(a, 1) != objectives(b, 1) ? objectives(a, 1) < objectives(b, 1)
                                                : objectives(a, 0) < objectives(b, 0);
  });
  std::vector<double> excess(order.size());
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < order.size(); ++k) {
    double const loss = std::log(std::max(objectives(order[k], 0), std::numeric_limits<double>::min()));
    least = std::min(least, loss);
    excess[static_cast<std::size_t>(order[k])] = loss - least;
  }
  std::stable_sort(order.begin(), order.end(), [&](index a, index b) {
    return excess[static_cast<std::size_t>(a)] < excess[static_cast<std::size_t>(b)];
  });
  if (std::ssize(order) > most) order.resize(static_cast<std::size_t>(most));
  return order;
}

}  // namespace amq::detail
