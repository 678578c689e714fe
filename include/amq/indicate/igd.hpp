// How far a set of points is from a known front: inverted generational distance and its Pareto-compliant form.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"

namespace amq {
namespace detail {

template <class Difference>
double mean_distance_to(matrix_view<double const> points, matrix_view<double const> front, Difference difference) {
  AMQ_EXPECTS(points.rows > 0 && front.rows > 0, "igd needs at least one point and one point of the front");
  AMQ_EXPECTS(points.cols == front.cols, "igd needs points and front with equally many objectives");
  double total = 0;
  for (index z = 0; z < front.rows; ++z) {
    double nearest = std::numeric_limits<double>::infinity();
    for (index a = 0; a < points.rows; ++a) {
      double squares = 0;
      for (index m = 0; m < front.cols; ++m) {
        double const d = difference(points(a, m), front(z, m));
        squares += d * d;
      }
      nearest = std::min(nearest, squares);
    }
    total += std::sqrt(nearest);
  }
  return total / static_cast<double>(front.rows);
}

}  // namespace detail

/// Mean over the front (points, objectives) of the Euclidean distance to the nearest point. O(points x front).
inline double igd(matrix_view<double const> points, matrix_view<double const> front) {
  return detail::mean_distance_to(points, front, [](double a, double z) { return a - z; });
}

/// As igd, but only what a point is worse by counts (Ishibuchi et al. 2015).
inline double igd_plus(matrix_view<double const> points, matrix_view<double const> front) {
  return detail::mean_distance_to(points, front, [](double a, double z) { return std::max(a - z, 0.0); });
}

}  // namespace amq
