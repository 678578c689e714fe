// Radial kernels: how much a measured configuration says about another one at a given distance.
#pragma once

#include <cmath>

namespace amq {

/// phi(r) = r^3, conditionally positive definite of order 2.
struct cubic {
  static constexpr char const* name = "cubic";
  static constexpr int order = 2;
  static double of_square(double squared_distance) { return squared_distance * std::sqrt(squared_distance); }
};

/// phi(r) = r^2 ln r, conditionally positive definite of order 2.
struct thin_plate {
  static constexpr char const* name = "thin_plate";
  static constexpr int order = 2;
  static double of_square(double squared_distance) {
    return squared_distance > 0 ? 0.5 * squared_distance * std::log(squared_distance) : 0.0;
  }
};

/// The polynomial beside the kernels: constant and slopes.
struct linear_tail {
  static constexpr char const* name = "linear";
  static constexpr int degree = 1;
};

}  // namespace amq
