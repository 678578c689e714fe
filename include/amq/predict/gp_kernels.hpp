// Covariances of a Gaussian process: how alike two losses are, given how far apart the configurations are.
#pragma once

#include <cmath>
#include <concepts>

namespace amq {

template <class K>
concept says_what_it_compares = std::same_as<decltype(K::of_genes), bool const>;
template <class K>
concept has_covariance = requires(double q) {
  { K::of_square(q) } -> std::same_as<double>;
};
template <class K>
concept has_slope = requires(double q) {
  { K::slope(q) } -> std::same_as<double>;
};

/// k of the scaled square q = sum_k d_k / length_k^2, where d_k = (x_k - x'_k)^2 over features, or 1 for each layer
/// whose genes differ when `of_genes`; k(0) = 1. `slope` is dk/dq, what likelihood gradients are made of.
template <class K>
concept gp_kernel = says_what_it_compares<K> && has_covariance<K> && has_slope<K>;

/// One sentence for each member that K lacks.
template <class K>
constexpr bool diagnose_gp_kernel() {
  static_assert(says_what_it_compares<K>,
                "amq: a gp_kernel needs `static constexpr bool of_genes`: whether it compares genes, not features");
  static_assert(has_covariance<K>,
                "amq: a gp_kernel needs `static double of_square(double q)`, the covariance at scaled square q");
  static_assert(has_slope<K>,
                "amq: a gp_kernel needs `static double slope(double q)`, the derivative of of_square by q");
  return gp_kernel<K>;
}

/// k = exp(-q / 2), infinitely smooth (Rasmussen & Williams 2006, equation 4.9).
struct squared_exponential {
  static constexpr char const* name = "squared_exponential";
  static constexpr bool of_genes = false;
  static double of_square(double q) { return std::exp(-0.5 * q); }
  static double slope(double q) { return -0.5 * std::exp(-0.5 * q); }
};

/// k = (1 + s) exp(-s), s = sqrt(3 q): differentiable once (Rasmussen & Williams 2006, equation 4.17).
struct matern32 {
  static constexpr char const* name = "matern32";
  static constexpr bool of_genes = false;
  static double of_square(double q) {
    double const s = std::sqrt(3 * q);
    return (1 + s) * std::exp(-s);
  }
  static double slope(double q) { return -1.5 * std::exp(-std::sqrt(3 * q)); }
};

/// k = (1 + s + s^2 / 3) exp(-s), s = sqrt(5 q): differentiable twice (Rasmussen & Williams 2006, equation 4.17).
struct matern52 {
  static constexpr char const* name = "matern52";
  static constexpr bool of_genes = false;
  static double of_square(double q) {
    double const s = std::sqrt(5 * q);
    return (1 + s + s * s / 3) * std::exp(-s);
  }
  static double slope(double q) {
    double const s = std::sqrt(5 * q);
    return -5.0 / 6 * (1 + s) * std::exp(-s);
  }
};

/// k = exp(-q / 2) over layers whose choices differ: knows no order among choices, so a jump from 2 to 4 bits is as far
/// as one from 2 to 3 (the categorical kernel of Hutter et al. 2011).
struct hamming {
  static constexpr char const* name = "hamming";
  static constexpr bool of_genes = true;
  static double of_square(double q) { return squared_exponential::of_square(q); }
  static double slope(double q) { return squared_exponential::slope(q); }
};

}  // namespace amq
