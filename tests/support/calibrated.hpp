// What tests of quantizers that use statistics share: random weights, Hessians of correlated inputs, output errors.
#pragma once

#include <cstdint>

#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/random.hpp"

namespace amq::testing {

inline matrix<float> random_matrix(index rows, index cols, std::uint64_t seed) {
  random_stream random(seed);
  matrix<float> result(rows, cols);
  for (index i = 0; i < result.size(); ++i) result.data()[i] = static_cast<float>(random.normal());
  return result;
}

/// X^T X / tokens of inputs of which neighbours are correlated.
inline matrix<float> random_hessian(index cols, index tokens, std::uint64_t seed) {
  auto inputs = random_matrix(tokens, cols, seed);
  for (index t = 0; t < tokens; ++t)
    for (index c = 1; c < cols; ++c) inputs(t, c) = 0.6f * inputs(t, c) + 0.7f * inputs(t, c - 1);
  matrix<float> hessian(cols, cols);
  for (index i = 0; i < cols; ++i)
    for (index j = 0; j < cols; ++j) {
      double sum = 0;
      for (index t = 0; t < tokens; ++t) sum += double{inputs(t, i)} * inputs(t, j);
      hessian(i, j) = static_cast<float>(sum / static_cast<double>(tokens));
    }
  return hessian;
}

/// Statistics that view `hessian`.
inline layer_statistics with_hessian(matrix<float> const& hessian) {
  layer_statistics statistics;
  statistics.hessian = hessian;
  return statistics;
}

/// Trace of E H E^T for E = weights - quantized: the squared error of the outputs.
inline double output_error(matrix<float> const& weights, matrix<float> const& quantized, matrix<float> const& hessian) {
  double sum = 0;
  for (index row = 0; row < weights.rows(); ++row)
    for (index i = 0; i < weights.cols(); ++i) {
      double const left = double{weights(row, i)} - quantized(row, i);
      for (index j = 0; j < weights.cols(); ++j)
        sum += left * hessian(i, j) * (double{weights(row, j)} - quantized(row, j));
    }
  return sum;
}

}  // namespace amq::testing
