// What tests of quantizers compare: golden codes, distances of a matrix from its quantized self, refusals.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/quantize/affine_codes.hpp"
#include "support/golden_case.hpp"

namespace amq::testing {

inline matrix<float> floats(matrix<double> const& values) {
  matrix<float> result(values.rows(), values.cols());
  std::transform(values.data(), values.data() + values.size(), result.data(),
                 [](double v) { return static_cast<float>(v); });
  return result;
}

/// Codes, scales and zeros of the golden case's run `b<bits>_g<group>`.
inline affine_codes expected_codes(golden_case const& golden, format f) {
  std::string const run = "b" + std::to_string(f.bits) + "_g" + std::to_string(f.group) + ".";
  auto const codes = golden.table(run + "codes");
  affine_codes result(f, codes.rows(), codes.cols());
  std::transform(codes.data(), codes.data() + codes.size(), result.codes.data(),
                 [](double v) { return static_cast<std::uint8_t>(v); });
  result.scales = floats(golden.table(run + "scale"));
  result.zeros = floats(golden.table(run + "zero"));
  return result;
}

/// A smooth matrix without symmetries: no two groups alike, no ties.
inline matrix<float> wavy(index rows, index cols, double amplitude = 0.1) {
  matrix<float> result(rows, cols);
  for (index i = 0; i < result.size(); ++i) {
    double const x = static_cast<double>(i);
    result.data()[i] = static_cast<float>(amplitude * (std::sin(0.7 * x) + 0.3 * std::cos(2.3 * x * x) + 0.05));
  }
  return result;
}

template <class T>
index differing(matrix<T> const& a, matrix<T> const& b) {
  index count = a.size() == b.size() ? 0 : a.size() + b.size();
  for (index i = 0; count <= a.size() && i < a.size(); ++i) count += a.data()[i] != b.data()[i];
  return count;
}

inline double largest_relative_difference(matrix<float> const& a, matrix<float> const& b) {
  double largest = 0;
  for (index i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(double{a.data()[i]} - b.data()[i]) / std::abs(double{b.data()[i]}));
  return largest;
}

inline double dequantized(affine_codes const& codes, index row, index col) {
  index const group = col / (codes.codes.cols() / codes.scales.cols());
  return (double{static_cast<float>(codes.codes(row, col))} - codes.zeros(row, group)) * codes.scales(row, group);
}

/// Mean of |weight - dequantized|.
inline double mean_distance(matrix<float> const& weights, affine_codes const& codes) {
  double total = 0;
  for (index row = 0; row < weights.rows(); ++row)
    for (index col = 0; col < weights.cols(); ++col)
      total += std::abs(weights(row, col) - dequantized(codes, row, col));
  return total / static_cast<double>(weights.size());
}

/// |weight - dequantized| / scale, row-major.
inline std::vector<double> distances_in_steps(matrix<float> const& weights, affine_codes const& codes) {
  std::vector<double> result;
  index const size = codes.codes.cols() / codes.scales.cols();
  for (index row = 0; row < weights.rows(); ++row)
    for (index col = 0; col < weights.cols(); ++col)
      result.push_back(std::abs(weights(row, col) - dequantized(codes, row, col)) / codes.scales(row, col / size));
  return result;
}

/// The sentence of the input_error that `call` ends with; empty when it does not.
template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (input_error const& e) {
    return e.what();
  }
  return "";
}

}  // namespace amq::testing
