// The affine hull of a growing list of points: which of them span it, and every point's coordinates in those.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "amq/core/matrix.hpp"
#include "amq/predict/detail/dense.hpp"

namespace amq::detail {

/// Chooses spanning points greedily: the first one, and each that no affine combination of the chosen ones gives. Every
/// other point has barycentric weights in them (they sum to 1), which later choices do not change. Gram-Schmidt, twice;
/// O(d k) a point with k spanning points in d dimensions.
///
/// That is what a polynomial of degree 1 needs. For a constant the first point spans everything, and for degree -1, no
/// polynomial at all, there are no spanning points and no weights.
class affine_basis {
 public:
  /// A point this close to the hull, as a part of its distance to the origin, is in it.
  static constexpr double in_hull = 1e-7;

  explicit affine_basis(index dimensions, int degree = 1)
      : dimensions_(dimensions),
        most_(degree < 0    ? 0
              : degree == 0 ? 1
                            : dimensions + 1),
        directions_(padded_directions(), tile * tiles(dimensions)),
        triangle_(padded_directions(), tile * tiles(dimensions)),
        origin_(static_cast<std::size_t>(tile * tiles(dimensions)), 0.0) {}

  /// Spanning points so far, the origin included.
  index size() const { return size_; }
  /// No more spanning points than that.
  index most() const { return most_; }

  /// Makes the point a spanning one if it is not in their hull; says whether it was.
  bool add(std::span<double const> point) {
    if (size_ == most_) return false;
    if (size_ == 0) {
      std::copy(point.begin(), point.end(), origin_.begin());
      size_ = 1;
      return true;
    }
    auto residual = difference(point);
    double const length = norm(residual);
    std::vector<double> coordinates(padded());
    for (int pass = 0; pass < 2; ++pass)
      math_.subtract_parts(residual.data(), directions_.data(), directions_.cols(), size_ - 1, width(),
                           coordinates.data());
    double const rest = norm(residual);
    if (!(rest > in_hull * length)) return false;
    index const b = size_ - 1;
    for (index i = 0; i < dimensions_; ++i) directions_(b, i) = residual[at(i)] / rest;
    std::copy(coordinates.begin(), coordinates.end(), triangle_.row(b).begin());
    triangle_(b, b) = rest;
    ++size_;
    return true;
  }

  /// Barycentric weights of a point of the hull (of its projection, otherwise): size() values.
  void weights(std::span<double const> point, std::span<double> out) const {
    if (size_ == 0) return;
    auto const offset = difference(point);
    std::vector<double> t(padded());
    for (index b = 0; b + 1 < size_; ++b) t[at(b)] = math_.dot(directions_.row(b).data(), offset.data(), width());
    double rest = 1;
    for (index b = size_ - 2; b >= 0; --b) {
      double const weight = t[at(b)] / triangle_(b, b);
      math_.subtract_scaled(t.data(), weight, triangle_.row(b).data(), tiles(b + 1));
      out[at(b + 1)] = weight;
      rest -= weight;
    }
    out[0] = rest;
  }

  /// The linear function with these values at the spanning points and no slope across their hull.
  struct linear_function {
    double constant = 0;
    std::vector<double> slopes;

    /// slopes . point, in four chains.
    double along(std::span<double const> point) const {
      double sums[4] = {0, 0, 0, 0};
      std::size_t k = 0;
      for (; k + 4 <= point.size(); k += 4)
        for (std::size_t c = 0; c < 4; ++c) sums[c] += slopes[k + c] * point[k + c];
      for (; k < point.size(); ++k) sums[0] += slopes[k] * point[k];
      return (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
  };
  linear_function interpolate(std::span<double const> values) const {
    if (size_ == 0) return {0, std::vector<double>(at(dimensions_))};
    std::vector<double> along(padded());  // slope along each direction
    std::vector<double> slopes(padded());
    for (index a = 0; a + 1 < size_; ++a) {
      double const rise = values[at(a + 1)] - values[0] - math_.dot(triangle_.row(a).data(), along.data(), width());
      along[at(a)] = rise / triangle_(a, a);
      math_.subtract_scaled(slopes.data(), -along[at(a)], directions_.row(a).data(), width());
    }
    double const constant = values[0] - math_.dot(slopes.data(), origin_.data(), width());
    slopes.resize(at(dimensions_));
    return {constant, std::move(slopes)};
  }

 private:
  static std::size_t at(index i) { return static_cast<std::size_t>(i); }
  std::size_t padded() const { return origin_.size(); }
  index width() const { return tiles(dimensions_); }
  index padded_directions() const { return tile * tiles(std::max<index>(most_ - 1, 0)); }

  std::vector<double> difference(std::span<double const> point) const {
    std::vector<double> offset(padded());
    for (std::size_t i = 0; i < point.size(); ++i) offset[i] = point[i] - origin_[i];
    return offset;
  }
  double norm(std::vector<double> const& v) const { return std::sqrt(math_.dot(v.data(), v.data(), width())); }

  dense math_;
  index dimensions_;
  index most_;
  index size_ = 0;
  matrix<double> directions_;  // orthonormal rows
  matrix<double> triangle_;    // row a: coordinates of spanning point a + 1
  std::vector<double> origin_;
};

}  // namespace amq::detail
