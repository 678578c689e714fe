// Finds the integers of a K block: each sub-block alone first, then all under the two numbers that they share.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"
#include "amq/quantize/detail/k_block.hpp"
#include "amq/quantize/detail/k_sub_block.hpp"

namespace amq::detail {

/// Minimises the weighted squared error of 256 numbers as they will be read, rounding of the shared f16 numbers
/// included: the integers of each sub-block move to their best neighbours under the present shared numbers, these are
/// fitted to all codes, and so on while the error falls.
template <gguf_type Type>
class k_block_search {
 public:
  /// `weights` of the squared errors, all positive; null: all 1. Shared numbers too large for f16 become infinite.
  k_block encode(float const* values, float const* weights) {
    start(values, weights);
    k_block best;
    float best_error = std::numeric_limits<float>::infinity();
    constexpr int most_rounds = 4;
    for (int round = 0; round < most_rounds; ++round) {
      float const found = move_to_neighbours();
      if (!(found < best_error)) break;
      best_error = found;
      best = with_codes();
      if (!refit()) break;
    }
    return best;
  }

 private:
  using traits = k_traits<Type>;
  static constexpr index size = traits::sub_block;
  static constexpr auto subs = static_cast<std::size_t>(k_block_size / size);

  void start(float const* values, float const* weights) {
    std::array<linear_code, subs> fits;
    linear_code largest;
    for (std::size_t i = 0; i < subs; ++i) {
      index const first = static_cast<index>(i) * size;
      subs_[i].load(values + first, weights == nullptr ? nullptr : weights + first);
      fits[i] = subs_[i].search();
      if (std::abs(fits[i].scale) > std::abs(largest.scale)) largest.scale = fits[i].scale;
      largest.minimum = std::max(largest.minimum, fits[i].minimum);
    }
    // Signed scales reach one further below 0 than above, so the largest becomes the lowest integer.
    constexpr auto reach = static_cast<float>(has_minima<Type> ? traits::highest_scale : traits::lowest_scale);
    constexpr auto most = static_cast<float>(has_minima<Type> ? traits::highest_minimum : 1);
    share(largest.scale / reach, largest.minimum / most);
    for (std::size_t i = 0; i < subs; ++i) {
      block_.scales[i] = nearest(fits[i].scale, d_, traits::lowest_scale, traits::highest_scale);
      block_.minima[i] = nearest(fits[i].minimum, dmin_, 0, traits::highest_minimum);
    }
  }

  static int nearest(float value, float unit, int low, int high) {
    if (unit == 0) return 0;
    return static_cast<int>(
        std::clamp(std::nearbyint(value / unit), static_cast<float>(low), static_cast<float>(high)));
  }

  /// Rounds the shared numbers to f16 and goes on with what is stored.
  void share(float d, float dmin) {
    block_.d = f32_to_f16(d);
    block_.dmin = f32_to_f16(dmin);
    d_ = f16_to_f32(block_.d);
    dmin_ = f16_to_f32(block_.dmin);
  }

  linear_code stored(int scale, int minimum) const {
    return {d_ * static_cast<float>(scale), dmin_ * static_cast<float>(minimum)};
  }

  float move_to_neighbours() {
    float total = 0;
    for (std::size_t i = 0; i < subs; ++i) total += move_to_neighbour(i);
    return total;
  }

  float move_to_neighbour(std::size_t i) {
    auto& sub = subs_[i];
    int const scale = block_.scales[i];
    int const minimum = block_.minima[i];
    float best = std::numeric_limits<float>::infinity();
    for (int s = std::max(scale - 1, traits::lowest_scale); s <= std::min(scale + 1, traits::highest_scale); ++s)
      for (int m = std::max(minimum - 1, 0); m <= std::min(minimum + 1, traits::highest_minimum); ++m) {
        sub.assign(stored(s, m));
        float const found = sub.error(stored(s, m));
        if (!(found < best)) continue;
        best = found;
        block_.scales[i] = s;
        block_.minima[i] = m;
      }
    sub.assign(stored(block_.scales[i], block_.minima[i]));
    return best;
  }

  k_block with_codes() const {
    k_block result = block_;
    for (index i = 0; i < k_block_size; ++i)
      result.codes[static_cast<std::size_t>(i)] =
          static_cast<std::int8_t>(subs_[static_cast<std::size_t>(i / size)].code(i % size));
    return result;
  }

  /// Least squares in d and dmin under the present integers; false when they stay as they are.
  bool refit() {
    float ss = 0, sm = 0, mm = 0, sx = 0, mx = 0;
    for (std::size_t i = 0; i < subs; ++i) {
      auto const of = subs_[i].of_codes();
      auto const scale = static_cast<float>(block_.scales[i]);
      auto const minimum = static_cast<float>(block_.minima[i]);
      ss += scale * scale * of.square;
      sm += scale * minimum * of.mean;
      mm += minimum * minimum * of.weights;
      sx += scale * of.cross;
      mx += minimum * of.values;
    }
    std::uint16_t const old_d = block_.d;
    std::uint16_t const old_dmin = block_.dmin;
    float const determinant = ss * mm - sm * sm;
    if (determinant > 1e-6f * ss * mm)
      share((sx * mm - sm * mx) / determinant, (sx * sm - ss * mx) / determinant);
    else if (ss > 0)
      share((sx + sm * dmin_) / ss, dmin_);
    return block_.d != old_d || block_.dmin != old_dmin;
  }

  std::array<k_sub_block<Type>, subs> subs_;
  k_block block_;
  float d_ = 0;
  float dmin_ = 0;
};

}  // namespace amq::detail
