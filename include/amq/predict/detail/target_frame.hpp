// Standardised targets: mean 0, deviation 1.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "amq/core/matrix.hpp"

namespace amq::detail {

/// target = (loss - centre) / scale. Constant losses keep scale 1, so that their rounding is not blown up.
struct target_frame {
  double centre = 0;
  double scale = 1;

  static target_frame of(std::span<double const> losses) {
    auto const n = static_cast<double>(losses.size());
    target_frame frame;
    for (double const loss : losses) frame.centre += loss / n;
    double largest = 0;
    for (double const loss : losses) largest = std::max(largest, std::abs(loss - frame.centre));
    if (largest <= 1e-14 * std::abs(frame.centre) || largest == 0) return frame;
    double squares = 0;
    for (double const loss : losses) squares += std::pow((loss - frame.centre) / largest, 2) / n;
    frame.scale = largest * std::sqrt(squares);
    return frame;
  }

  std::vector<double> targets(std::span<double const> losses) const {
    std::vector<double> result;
    for (double const loss : losses) result.push_back((loss - centre) / scale);
    return result;
  }
  double loss(double target) const { return centre + scale * target; }

  bool operator==(target_frame const&) const = default;
};

}  // namespace amq::detail
