// A sub-block of a K block on its own: the scale and minimum that lose least, in real numbers.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "amq/core/matrix.hpp"
#include "amq/quantize/detail/k_block.hpp"
#include "amq/quantize/detail/nearest_codes.hpp"

namespace amq::detail {

/// A code stands for scale * code - minimum.
struct linear_code {
  float scale = 0;
  float minimum = 0;
};

/// Numbers x, positive weights w of their squared errors, and codes q as floats.
template <gguf_type Type>
class k_sub_block {
 public:
  using traits = k_traits<Type>;
  static constexpr index size = traits::sub_block;

  /// The sums that a fit needs: of w q^2, w q, w q x, w x and w.
  struct moments {
    float square = 0, mean = 0, cross = 0, values = 0, weights = 0;
  };

  /// `weights` null: all 1.
  void load(float const* values, float const* weights) {
    std::copy_n(values, size, x_.begin());
    if (weights == nullptr)
      w_.fill(1);
    else
      std::copy_n(weights, size, w_.begin());
    values_ = sum([&](index i) { return at(w_, i) * at(x_, i); });
    weights_ = sum([&](index i) { return at(w_, i); });
  }

  float code(index i) const { return at(q_, i); }

  /// Every number takes the nearest code.
  void assign(linear_code c) {
    constexpr auto low = static_cast<float>(traits::lowest_code);
    constexpr auto high = static_cast<float>(traits::highest_code);
    float const inverse = c.scale == 0 ? 0.0f : 1 / c.scale;
    simd::nearest_codes(x_.data(), size, c.minimum, inverse, low, high, q_.data());
  }

  /// The weighted squared error of the present codes.
  float error(linear_code c) const {
    return sum([&](index i) {
      float const miss = c.scale * at(q_, i) - c.minimum - at(x_, i);
      return at(w_, i) * miss * miss;
    });
  }

  moments of_codes() const {
    return {sum([&](index i) { return at(w_, i) * at(q_, i) * at(q_, i); }),
            sum([&](index i) { return at(w_, i) * at(q_, i); }),
            sum([&](index i) { return at(w_, i) * at(q_, i) * at(x_, i); }), values_, weights_};
  }

  /// The best of many scales around the one that spans the range, each with the minimum that suits it. Leaves codes
  /// behind that mean nothing.
  linear_code search() {
    best_ = {};
    best_gain_ = 0;
    if constexpr (has_minima<Type>)
      search_range();
    else
      search_largest();
    return best_;
  }

 private:
  using numbers = std::array<float, static_cast<std::size_t>(size)>;

  static float at(numbers const& values, index i) { return values[static_cast<std::size_t>(i)]; }

  /// In eight lanes that a compiler may keep in vector registers; the order is the same on every machine.
  template <class Term>
  static float sum(Term const& term) {
    std::array<float, 8> lanes{};
    for (index i = 0; i < size; i += 8)
      for (index lane = 0; lane < 8; ++lane) lanes[static_cast<std::size_t>(lane)] += term(i + lane);
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
  }

  struct fitted {
    linear_code code;
    float gain;  ///< by how much its error is below that of all zeros
  };

  /// Least squares under the present codes; a minimum below 0 cannot be stored.
  fitted fit() const {
    auto const m = of_codes();
    if constexpr (has_minima<Type>) {
      float const determinant = m.weights * m.square - m.mean * m.mean;
      if (determinant > 1e-6f * m.weights * m.square) {
        float const minimum = (m.cross * m.mean - m.values * m.square) / determinant;
        float const scale = (m.cross * m.weights - m.values * m.mean) / determinant;
        if (minimum >= 0 && scale >= 0) return {{scale, minimum}, scale * m.cross - minimum * m.values};
      }
    }
    if (m.square <= 0 || (has_minima<Type> && m.cross <= 0)) return {{}, 0};
    return {{m.cross / m.square, 0}, m.cross * m.cross / m.square};
  }

  /// Codes for `c`, the scale and minimum that fit them, codes for these, and so on while it helps.
  void consider(linear_code c) {
    constexpr int rounds = 3;
    float last = 0;
    for (int round = 0; round < rounds; ++round) {
      assign(c);
      auto const [code, gain] = fit();
      if (gain > best_gain_) {
        best_gain_ = gain;
        best_ = code;
      }
      if (gain <= last) return;
      last = gain;
      c = code;
    }
  }

  /// A few codes gain from a range narrower than that of the numbers, many hardly do.
  void search_range() {
    constexpr auto steps = static_cast<float>(traits::highest_code);
    constexpr bool few = traits::highest_code <= 3;
    constexpr int tried = few ? 4 : 3;
    constexpr float step = few ? 0.11f : 0.05f;
    float const low = std::min(0.0f, *std::min_element(x_.begin(), x_.end()));
    float const high = std::max(low, *std::max_element(x_.begin(), x_.end()));
    if (high == low) best_ = {0, -low};
    for (int below = 0; below < tried && high > low; ++below)
      for (int above = 0; above < tried; ++above) {
        float const from = low * (1 - step * static_cast<float>(below));
        float const to = high * (1 - step * static_cast<float>(above));
        consider({(to - from) / steps, -from});
      }
  }

  /// Codes reach one further below 0 than above, so both signs of the scale are tried.
  void search_largest() {
    constexpr auto steps = static_cast<float>(-traits::lowest_code);
    float largest = 0;
    for (float const value : x_) largest = std::max(largest, std::abs(value));
    for (float const extra : {0.0f, -1.0f, -0.75f, -0.5f, -0.25f, 0.25f, 0.5f, 0.75f}) {
      if (largest == 0) return;
      consider({largest / (steps + extra), 0});
      consider({-largest / (steps + extra), 0});
    }
  }

  numbers x_{};
  numbers w_{};
  numbers q_{};
  linear_code best_;
  float best_gain_ = 0;
  float values_ = 0;
  float weights_ = 0;
};

}  // namespace amq::detail
