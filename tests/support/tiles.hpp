// Random packed matrices, activations and errors for the kernels' tests.
#pragma once

#include <cmath>
#include <cstdint>

#include "amq/core/matrix.hpp"
#include "amq/core/packed_matrix.hpp"
#include "amq/core/random.hpp"

namespace amq::test {

/// Codes of all values, scales in (0, scale], zeros that are no whole numbers and of both signs.
inline packed_matrix random_packed(format storage, index rows, index cols, std::uint64_t seed, float scale = 0.25f) {
  random_stream random(seed);
  index const groups = storage.groups(cols), levels = index{1} << storage.bits;
  matrix<std::uint8_t> codes(rows, cols);
  matrix<float> scales(rows, groups), zeros(rows, groups);
  for (index i = 0; i < codes.size(); ++i) codes.data()[i] = static_cast<std::uint8_t>(random.below(levels));
  for (index i = 0; i < scales.size(); ++i) {
    scales.data()[i] = scale * static_cast<float>(1 + random.below(8)) / 8;
    zeros.data()[i] = static_cast<float>(random.below(levels + 1)) - 0.75f;
  }
  return {storage, codes, scales, zeros};
}

inline matrix<float> normal_matrix(index rows, index cols, std::uint64_t seed) {
  random_stream random(seed);
  matrix<float> m(rows, cols);
  for (index i = 0; i < m.size(); ++i) m.data()[i] = static_cast<float>(random.normal());
  return m;
}

/// Root of the mean squared difference over that of `expected`.
inline double relative_rms(matrix<float> const& found, matrix<double> const& expected) {
  double difference = 0, size = 0;
  for (index i = 0; i < found.size(); ++i) {
    difference += (found.data()[i] - expected.data()[i]) * (found.data()[i] - expected.data()[i]);
    size += expected.data()[i] * expected.data()[i];
  }
  return std::sqrt(difference / size);
}

}  // namespace amq::test
