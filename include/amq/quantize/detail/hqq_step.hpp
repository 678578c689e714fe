// One iteration of HQQ's half-quadratic solver on one group of weights.
#pragma once

#include <algorithm>
#include <cmath>

#include "amq/core/matrix.hpp"

namespace amq::detail {

/// Proximal operator of the l_p norm as HQQ has it (Badri and Shaji, 2023): errors up to `quiet` shrink to 0.
struct lp_shrink {
  float exponent;  ///< p - 1
  float weight;    ///< 1 / beta
  float quiet;     ///< no larger than (1 / beta)^(1 / (2 - p)), below which |x| - |x|^(p - 1) / beta is negative

  lp_shrink(double lp_norm, double beta)
      : exponent(static_cast<float>(lp_norm - 1)),
        weight(static_cast<float>(1 / beta)),
        quiet(static_cast<float>(0.999 * std::pow(1 / beta, 1 / (2 - lp_norm)))) {}

  float operator()(float x) const {
    float const magnitude = std::abs(x);
    if (magnitude <= quiet) return 0;
    return std::copysign(std::max(magnitude - weight * std::pow(magnitude, exponent), 0.0f), x);
  }
};

/// A group of weights and what stays fixed while its zero is sought.
struct hqq_group {
  float const* weights;
  index size;
  float steps;    ///< codes per unit of weight, the inverse of the scale
  float scale;    ///< units of weight per code
  float highest;  ///< largest code
};

struct hqq_iterate {
  float zero;      ///< the next zero: mean of code - (weight - shrunk error) * steps
  float distance;  ///< sum of |weight - dequantized weight| under the zero given
};

/// The code of one weight, a whole number: round(weight * steps + zero), half to even, clamped to [0, highest].
inline float hqq_code(float weight, float steps, float zero, float highest) {
  return std::nearbyint(std::clamp(weight * steps + zero, 0.0f, highest));
}

inline hqq_iterate hqq_step(hqq_group const& group, float zero, lp_shrink const& shrink) {
  float total = 0;
  float distance = 0;
  for (index i = 0; i < group.size; ++i) {
    float const weight = group.weights[i];
    float const code = hqq_code(weight, group.steps, zero, group.highest);
    float const error = weight - (code - zero) * group.scale;
    total += code - (weight - shrink(error)) * group.steps;
    distance += std::abs(error);
  }
  return {total / static_cast<float>(group.size), distance};
}

}  // namespace amq::detail
