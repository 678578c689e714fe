// Points whose coordinates are multiples of one step: their squared distances are small integers, computed as such.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "amq/core/matrix.hpp"
#include "amq/predict/detail/byte_dots.hpp"

namespace amq::detail {

/// A point of a lattice in whole steps, padded to an even number of coordinates.
struct lattice_point {
  std::vector<std::uint8_t> codes;
  std::int32_t square = 0;
};

/// Which points are on the lattice of step 1 / scale. Dots are summed in 16 bits, which bounds the coordinates.
class lattice {
 public:
  lattice(index dimensions, int scale)
      : dimensions_(dimensions),
        scale_(scale),
        limit_(std::min(127, static_cast<int>(std::sqrt(32767.0 / static_cast<double>(dimensions + 1))))) {}

  /// The coarsest step, down to 1/12, that all features (points, dimensions) are on; none when there is no such step.
  static std::optional<lattice> find(matrix_view<double const> features) {
    for (int scale = 1; scale <= 12; ++scale) {
      lattice const candidate(features.cols, scale);
      index fits = 0;
      while (fits < features.rows && candidate.encode(features.row(fits))) ++fits;
      if (fits == features.rows) return candidate;
    }
    return std::nullopt;
  }

  std::optional<lattice_point> encode(std::span<double const> features) const {
    lattice_point point{std::vector<std::uint8_t>(static_cast<std::size_t>(2 * pairs())), 0};
    for (std::size_t k = 0; k < features.size(); ++k) {
      double const steps = features[k] * scale_;
      if (!(steps > -1e-9 && steps < limit_ + 1e-9)) return std::nullopt;
      auto const whole = static_cast<int>(steps + 0.5);
      if (std::abs(steps - whole) > 1e-9) return std::nullopt;
      point.codes[k] = static_cast<std::uint8_t>(whole);
      point.square += point.codes[k] * point.codes[k];
    }
    return point;
  }

  index pairs() const { return (dimensions_ + 1) / 2; }
  int scale() const { return scale_; }
  /// No squared distance between two points, in steps, is greater.
  index largest_square() const { return dimensions_ * limit_ * limit_; }

  friend bool operator==(lattice const&, lattice const&) = default;

 private:
  index dimensions_;
  int scale_;
  int limit_;
};

/// A growing list of lattice points in blocks of 64, pairs of coordinates outermost, so that one load holds many
/// points.
class lattice_points {
 public:
  static constexpr index block = 64;

  index size() const { return size_; }

  void add(lattice_point const& point) {
    auto const pairs = point.codes.size() / 2;
    auto const inside = static_cast<std::size_t>(size_ % block);
    if (inside == 0) {
      codes_.resize(codes_.size() + 2 * block * pairs, 0);
      squares_.resize(squares_.size() + block, 0);
    }
    std::uint8_t* const target =
        codes_.data() + static_cast<std::size_t>(size_ / block) * 2 * block * pairs + 2 * inside;
    for (std::size_t p = 0; p < pairs; ++p) {
      target[2 * block * p] = point.codes[2 * p];
      target[2 * block * p + 1] = point.codes[2 * p + 1];
    }
    squares_[static_cast<std::size_t>(size_)] = point.square;
    ++size_;
  }

  /// Squared distances, in steps, from the point to the 64 of block b; to the origin beyond the last one.
  void squared_distances(lattice_point const& point, index b, std::array<std::int32_t, block>& out) const {
    byte_dots_result dots;
    auto const pairs = static_cast<index>(point.codes.size() / 2);
    byte_dots(point.codes.data(), codes_.data() + b * 2 * block * pairs, pairs, dots);
    std::int32_t const* const squares = squares_.data() + b * block;
    for (std::size_t j = 0; j < block; ++j) out[j] = point.square + squares[j] - 2 * dots[j];
  }

 private:
  index size_ = 0;
  std::vector<std::uint8_t> codes_;
  std::vector<std::int32_t> squares_;
};

}  // namespace amq::detail
