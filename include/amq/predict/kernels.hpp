// Radial kernels and polynomial tails: how much a measured configuration says about another at a given distance.
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

/// phi(r) = -r, conditionally positive definite of order 1. (With +r, coefficients have the other sign and eta would
/// roughen instead of smooth.)
struct linear {
  static constexpr char const* name = "linear";
  static constexpr int order = 1;
  static double of_square(double squared_distance) { return -std::sqrt(squared_distance); }
};

/// phi(r) = exp(-(r / width)^2), positive definite. A kernel that is `relative` sees distances as parts of the diagonal
/// of the box of features, which is sqrt(features): one width serves spaces of all sizes.
struct gaussian {
  static constexpr char const* name = "gaussian";
  static constexpr int order = 0;
  static constexpr bool relative = true;
  double width = 0.5;  ///< as a part of the diagonal; above 0
  double of_square(double squared_distance) const { return std::exp(-squared_distance / (width * width)); }
};

/// The polynomial beside the kernels. Nothing: far from all points the prediction is what the kernel is there.
struct no_tail {
  static constexpr char const* name = "none";
  static constexpr int degree = -1;
};

/// A constant.
struct constant_tail {
  static constexpr char const* name = "constant";
  static constexpr int degree = 0;
};

/// Constant and slopes.
struct linear_tail {
  static constexpr char const* name = "linear";
  static constexpr int degree = 1;
};

}  // namespace amq
