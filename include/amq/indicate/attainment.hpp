// What a given share of runs reaches in two objectives: empirical attainment surfaces.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "amq/core/error.hpp"

namespace amq {

/// A point in two minimised objectives.
using objective_pair = std::array<double, 2>;

namespace detail {

struct attained_event {
  objective_pair point;
  std::size_t run;
};

inline std::vector<attained_event> events_by_first_objective(std::span<std::vector<objective_pair> const> runs) {
  std::vector<attained_event> events;
  for (std::size_t run = 0; run < runs.size(); ++run)
    for (auto const& point : runs[run])
      if (!std::isnan(point[0]) && !std::isnan(point[1])) events.push_back({point, run});
  std::sort(events.begin(), events.end(),
            [](attained_event const& a, attained_event const& b) { return a.point < b.point; });
  return events;
}

}  // namespace detail

/// The corners, rising in the first objective, of the surface that at least `share` of the runs attain (weakly
/// dominate): 0.5 is the median one. runs[r] are the points that run r found, dominated ones do no harm, NaN are left
/// out. Fonseca and Fleming, PPSN 1996. O(points (log points + runs)). Throws precondition_error for no runs and for a
/// share outside (0, 1].
inline std::vector<objective_pair> attainment_surface(std::span<std::vector<objective_pair> const> runs, double share) {
  AMQ_EXPECTS(!runs.empty(), "attainment_surface needs at least one run");
  AMQ_EXPECTS(share > 0 && share <= 1, "attainment_surface needs a share in (0, 1], not " + std::to_string(share));
  double const count = share * static_cast<double>(runs.size());
  auto const needed = static_cast<std::size_t>(std::max(1.0, std::ceil(count - 1e-9)));
  std::vector<double> least(runs.size(), std::numeric_limits<double>::infinity());  // second objective by run, so far
  std::vector<double> ordered;
  std::vector<objective_pair> corners;
  double height = std::numeric_limits<double>::infinity();
  for (auto const& [point, run] : detail::events_by_first_objective(runs)) {
    if (point[1] >= least[run]) continue;
    least[run] = point[1];
    ordered = least;
    auto const attained = ordered.begin() + static_cast<std::ptrdiff_t>(needed - 1);
    std::nth_element(ordered.begin(), attained, ordered.end());
    if (*attained >= height) continue;
    height = *attained;
    if (!corners.empty() && corners.back()[0] == point[0]) corners.pop_back();
    corners.push_back({point[0], height});
  }
  return corners;
}

}  // namespace amq
