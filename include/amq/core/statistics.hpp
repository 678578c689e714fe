// Means, standard errors and order statistics of small samples.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "amq/core/error.hpp"

namespace amq {

/// Sum in the order given, so that equal inputs give equal bits. 0 for an empty span.
inline double sum(std::span<double const> values) {
  double total = 0;
  for (double const v : values) total += v;
  return total;
}

/// NaN for an empty span.
inline double mean(std::span<double const> values) {
  return values.empty() ? std::numeric_limits<double>::quiet_NaN() : sum(values) / static_cast<double>(values.size());
}

/// Of the mean: sample standard deviation (n - 1) over sqrt(n). NaN for fewer than two values.
inline double standard_error(std::span<double const> values) {
  if (values.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  double const centre = mean(values);
  double squares = 0;
  for (double const v : values) squares += (v - centre) * (v - centre);
  double const n = static_cast<double>(values.size());
  return std::sqrt(squares / (n - 1) / n);
}

/// Linear interpolation between order statistics (numpy's default), q in [0, 1]. O(n).
inline double quantile(std::span<double const> values, double q) {
  AMQ_EXPECTS(!values.empty(), "quantile needs at least one value");
  AMQ_EXPECTS(q >= 0 && q <= 1, "quantile needs q between 0 and 1, not " + std::to_string(q));
  std::vector<double> ordered(values.begin(), values.end());
  double const position = q * static_cast<double>(ordered.size() - 1);
  auto const below = ordered.begin() + static_cast<std::ptrdiff_t>(position);
  std::nth_element(ordered.begin(), below, ordered.end());
  auto const above = std::min_element(below + 1, ordered.end());
  double const part = position - std::floor(position);
  return above == ordered.end() ? *below : *below + part * (*above - *below);
}

/// Middle value, or the mean of the two middle ones.
inline double median(std::span<double const> values) { return quantile(values, 0.5); }

}  // namespace amq
