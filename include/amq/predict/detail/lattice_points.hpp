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

#define AMQ_SIMD_BODY "amq/predict/detail/lattice.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::detail {

/// Points of a lattice in whole steps, (points, coordinates) padded to a multiple of 16 coordinates.
struct lattice_codes {
  index quads = 0;  ///< of coordinates, without most of the padding
  matrix<std::uint8_t> codes;
  std::vector<std::int32_t> squares;  ///< of each point's length; -1: the point is not on the lattice

  bool on_lattice(index point) const { return squares[static_cast<std::size_t>(point)] >= 0; }
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
      while (fits < features.rows && candidate.contains(features.row(fits))) ++fits;
      if (fits == features.rows) return candidate;
    }
    return std::nullopt;
  }

  bool contains(std::span<double const> features) const {
    return encode({features.data(), 1, std::ssize(features)}).on_lattice(0);
  }

  /// The rows of features (points, dimensions).
  lattice_codes encode(matrix_view<double const> features, simd::isa which = simd::best_isa()) const {
    lattice_codes result{(dimensions_ + 3) / 4, matrix<std::uint8_t>(features.rows, padded()),
                         std::vector<std::int32_t>(static_cast<std::size_t>(features.rows))};
    for (index i = 0; i < features.rows; ++i)
      result.squares[static_cast<std::size_t>(i)] = AMQ_SIMD_CALL(
          which, encode_steps(features.row(i).data(), dimensions_, scale_, limit_, result.codes.row(i).data()));
    return result;
  }

  /// Coordinates with the padding.
  index padded() const { return (dimensions_ + 15) / 16 * 16; }
  int scale() const { return scale_; }
  /// No squared distance between two points, in steps, is greater.
  index largest_square() const { return dimensions_ * limit_ * limit_; }

  friend bool operator==(lattice const&, lattice const&) = default;

 private:
  index dimensions_;
  int scale_;
  int limit_;
};

/// A growing list of lattice points in blocks of 64, quads of coordinates outermost, so that one load holds many
/// points.
class lattice_points {
 public:
  static constexpr index block = 64;

  index size() const { return size_; }

  void add(lattice_codes const& points, index which) {
    auto const length = static_cast<std::size_t>(4 * points.quads);
    auto const inside = static_cast<std::size_t>(size_ % block);
    if (inside == 0) {
      codes_.resize(codes_.size() + block * length, 0);
      squares_.resize(squares_.size() + block, 0);
    }
    std::uint8_t const* const codes = points.codes.row(which).data();
    std::uint8_t* const target = codes_.data() + static_cast<std::size_t>(size_ / block) * block * length;
    for (std::size_t k = 0; k < length; k += 4) std::copy_n(codes + k, 4, target + block * k + 4 * inside);
    squares_[static_cast<std::size_t>(size_)] = points.squares[static_cast<std::size_t>(which)];
    ++size_;
  }

  /// Squared distances, in steps, from a point to the 64 of block b; to the origin beyond the last one.
  void squared_distances(lattice_codes const& points, index which, index b,
                         std::array<std::int32_t, block>& out) const {
    byte_dots_result dots;
    byte_dots(points.codes.row(which).data(), codes_.data() + b * block * 4 * points.quads, points.quads, dots);
    std::int32_t const own = points.squares[static_cast<std::size_t>(which)];
    std::int32_t const* const squares = squares_.data() + b * block;
    for (std::size_t j = 0; j < block; ++j) out[j] = own + squares[j] - 2 * dots[j];
  }

 private:
  index size_ = 0;
  std::vector<std::uint8_t> codes_;
  std::vector<std::int32_t> squares_;
};

}  // namespace amq::detail
