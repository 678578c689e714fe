// The iterations of HQQ's half-quadratic solver on one group of weights, while it is in cache.
#pragma once

#include <cmath>

#include "amq/core/matrix.hpp"

namespace amq::detail {

/// Proximal operator of the l_p norm as HQQ has it (Badri and Shaji, 2023): x shrinks to
/// sign(x) max(|x| - |x|^(p - 1) / beta, 0).
struct lp_shrink {
  float exponent;  ///< p - 1
  float weight;    ///< 1 / beta
  float quiet;     ///< errors up to here shrink to 0, so that most need no power: below (1 / beta)^(1 / (2 - p))

  lp_shrink(double lp_norm, double beta)
      : exponent(static_cast<float>(lp_norm - 1)),
        weight(static_cast<float>(1 / beta)),
        quiet(static_cast<float>(0.999 * std::pow(1 / beta, 1 / (2 - lp_norm)))) {}
};

/// A group of weights and what stays fixed while its zero is sought.
struct hqq_group {
  float const* weights;
  index size;
  float steps;    ///< codes per unit of weight, the inverse of the scale
  float scale;    ///< units of weight per code
  float highest;  ///< largest code
};

}  // namespace amq::detail

#define AMQ_SIMD_BODY "amq/quantize/detail/hqq_iterations.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::simd {

/// Runs `iterations` iterations from `zero`: with code = clamp(round(weight * steps + zero), 0, highest) and
/// error = weight - (code - zero) * scale, the next zero is mean(code - (weight - shrink(error)) * steps). zeros[i]
/// becomes the zero after iteration i, distances[i] grows by the sum of |error| before it.
inline void hqq_iterate(amq::detail::hqq_group const& group, amq::detail::lp_shrink const& shrink, float zero,
                        index iterations, float* zeros, double* distances, isa which = best_isa()) {
  AMQ_SIMD_CALL(which, hqq_iterate(group, shrink, zero, iterations, zeros, distances));
}

}  // namespace amq::simd
