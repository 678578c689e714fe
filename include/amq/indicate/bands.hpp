// Medians and quartiles over repeated runs.
#pragma once

#include <span>
#include <vector>

#include "amq/core/matrix.hpp"
#include "amq/core/statistics.hpp"

namespace amq {

struct quartile_band {
  double lower = 0;  ///< first quartile
  double median = 0;
  double upper = 0;  ///< third quartile
};

/// Linear interpolation between order statistics. Throws precondition_error for no values. O(n).
inline quartile_band quartiles(std::span<double const> values) {
  return {quantile(values, 0.25), quantile(values, 0.5), quantile(values, 0.75)};
}

/// One band for each column of values (runs, points).
inline std::vector<quartile_band> quartile_bands(matrix_view<double const> values) {
  std::vector<quartile_band> bands;
  std::vector<double> column(static_cast<std::size_t>(values.rows));
  for (index point = 0; point < values.cols; ++point) {
    for (index run = 0; run < values.rows; ++run) column[static_cast<std::size_t>(run)] = values(run, point);
    bands.push_back(quartiles(column));
  }
  return bands;
}

}  // namespace amq
