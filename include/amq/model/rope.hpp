// Rotary positions (RoPE, arXiv 2104.09864), element i of a head paired with i + head_size / 2.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <vector>

#include "amq/core/matrix.hpp"
#include "amq/core/simd/elementwise.hpp"

namespace amq {

/// Plain rotary positions, or Llama 3.1's, which slow the long wavelengths down by `factor`.
struct rope_options {
  double theta = 10000;
  bool llama3 = false;
  double factor = 1;
  double low_frequency_factor = 1;
  double high_frequency_factor = 4;
  double original_length = 8192;
};

namespace detail {

/// Llama 3.1's scaling of one frequency: kept for short wavelengths, divided for long ones, blended between.
inline double scale_frequency(double frequency, rope_options const& rope) {
  double const turns = rope.original_length * frequency / (2 * std::numbers::pi);  // within the original length
  if (turns < rope.low_frequency_factor) return frequency / rope.factor;
  if (turns > rope.high_frequency_factor) return frequency;
  double const blend = (turns - rope.low_frequency_factor) / (rope.high_frequency_factor - rope.low_frequency_factor);
  return (1 - blend) * frequency / rope.factor + blend * frequency;
}

}  // namespace detail

/// Radians a position for each of the head_size / 2 pairs; kept in f32, as transformers does, because the rounded
/// values are what models were trained with.
inline std::vector<float> rope_frequencies(rope_options const& rope, index head_size) {
  std::vector<float> frequencies;
  for (index i = 0; i < head_size / 2; ++i) {
    double const exponent = -2.0 * static_cast<double>(i) / static_cast<double>(head_size);
    double const frequency = std::pow(rope.theta, exponent);
    frequencies.push_back(static_cast<float>(rope.llama3 ? detail::scale_frequency(frequency, rope) : frequency));
  }
  return frequencies;
}

/// Cosines and sines of positions 0, 1, ...: (positions, head_size / 2) each.
class rope_table {
 public:
  /// Computes the angles unless those of this many positions are there already.
  void prepare(std::span<float const> frequencies, index positions) {
    bool const same = std::equal(frequencies_.begin(), frequencies_.end(), frequencies.begin(), frequencies.end());
    if (same && cosines_.rows() >= positions) return;
    frequencies_.assign(frequencies.begin(), frequencies.end());
    auto const pairs = static_cast<index>(frequencies.size());
    cosines_ = matrix<float>(positions, pairs);
    sines_ = matrix<float>(positions, pairs);
    for (index p = 0; p < positions; ++p)
      for (index i = 0; i < pairs; ++i) {
        float const angle = static_cast<float>(p) * frequencies[static_cast<std::size_t>(i)];
        cosines_(p, i) = static_cast<float>(std::cos(double{angle}));
        sines_(p, i) = static_cast<float>(std::sin(double{angle}));
      }
  }

  /// Rotates every head of every row of x (positions, heads * head_size) in place.
  void rotate(matrix_view<float> x) const {
    for (index p = 0; p < x.rows; ++p) rotate(x.row(p), p);
  }

  /// Rotates every head of the row (heads * head_size) of the token at `position`, which was prepared.
  void rotate(std::span<float> row, index position) const {
    index const half = cosines_.cols();
    for (index head = 0; head < std::ssize(row); head += 2 * half)
      simd::rotate_halves(row.data() + head, cosines_.row(position).data(), sines_.row(position).data(), 2 * half);
  }

 private:
  std::vector<float> frequencies_;
  matrix<float> cosines_;
  matrix<float> sines_;
};

}  // namespace amq
