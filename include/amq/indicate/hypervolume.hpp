// Hypervolume: exact in two and three objectives, and the library's one normalised hypervolume of bits against loss.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/hypervolume_frame.hpp"
#include "amq/core/matrix.hpp"

namespace amq {
namespace detail {

/// A front in two objectives that grows point by point and knows its area up to a reference.
class staircase {
 public:
  staircase(double first_reference, double second_reference) : reference_{first_reference, second_reference} {}

  /// O(n) at worst, O(log n) for a dominated point.
  void add(double first, double second) {
    if (!(first < reference_[0] && second < reference_[1])) return;
    auto at = std::lower_bound(steps_.begin(), steps_.end(), std::pair(first, second));
    if (at != steps_.begin() && std::prev(at)->second <= second) return;
    if (at != steps_.end() && at->first == first && at->second <= second) return;
    auto const last = std::find_if(at, steps_.end(), [&](auto const& step) { return step.second < second; });
    steps_.insert(steps_.erase(at, last), {first, second});
  }

  /// Calls visit(width, height) for each piece of the steps right of `first`, left to right, until it returns false.
  template <class Visit>
  void for_each_piece(double first, Visit&& visit) const {
    if (!(first < reference_[0])) return;
    auto at = std::upper_bound(steps_.begin(), steps_.end(), first,
                               [](double place, auto const& step) { return place < step.first; });
    double height = at == steps_.begin() ? reference_[1] : std::prev(at)->second;
    for (; at != steps_.end(); ++at) {
      if (!visit(at->first - first, height)) return;
      first = at->first;
      height = at->second;
    }
    visit(reference_[0] - first, height);
  }

  /// Area that a point would add. O(log n + points it dominates).
  double gain(double first, double second) const {
    double total = 0;
    for_each_piece(first, [&](double width, double height) {
      total += width * std::max(0.0, height - second);
      return height > second;
    });
    return total;
  }

  double area() const {
    double total = 0;
    double ceiling = reference_[1];
    for (auto const& [first, second] : steps_) {
      total += (reference_[0] - first) * (ceiling - second);
      ceiling = second;
    }
    return total;
  }

 private:
  std::array<double, 2> reference_;
  std::vector<std::pair<double, double>> steps_;  // first ascending, second descending
};

inline double hypervolume_of_three(matrix_view<double const> points, std::span<double const> reference) {
  std::vector<index> order;
  for (index i = 0; i < points.rows; ++i)
    if (points(i, 2) < reference[2]) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](index a, index b) { return points(a, 2) < points(b, 2); });
  staircase floor(reference[0], reference[1]);
  double total = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    floor.add(points(order[k], 0), points(order[k], 1));
    double const top = k + 1 < order.size() ? points(order[k + 1], 2) : reference[2];
    if (top > points(order[k], 2)) total += floor.area() * (top - points(order[k], 2));
  }
  return total;
}

}  // namespace detail

/// Volume that points (points, 2 or 3 objectives), all minimised, dominate up to `reference`. Points that are not
/// strictly better than the reference everywhere add nothing, NaN neither. O(n log n) for two objectives when the
/// points are a front, O(n^2) for three. Throws precondition_error for other numbers of objectives.
inline double hypervolume(matrix_view<double const> points, std::span<double const> reference) {
  AMQ_EXPECTS(points.cols == 2 || points.cols == 3,
              "hypervolume is exact for 2 or 3 objectives, not for " + std::to_string(points.cols));
  AMQ_EXPECTS(static_cast<index>(reference.size()) == points.cols,
              "hypervolume needs one reference value an objective");
  if (points.cols == 3) return detail::hypervolume_of_three(points, reference);
  detail::staircase steps(reference[0], reference[1]);
  for (index i = 0; i < points.rows; ++i) steps.add(points(i, 0), points(i, 1));
  return steps.area();
}

/// How the loss becomes a coordinate: divided by the all-lowest loss, or its logarithm from all-highest (0) to
/// all-lowest (1).
enum class loss_scale { raw, logarithmic };

/// The coordinates in which the library measures a front: bits from all-lowest (0) to all-highest (1), and the loss.
/// Where a scale has no length (one choice only, constant losses) its coordinate is 0. Losses count as at least the
/// smallest positive double, so a logarithm is always finite.
class normalised_plane {
 public:
  static constexpr double reference = 1.01;

  normalised_plane(hypervolume_frame const& frame, loss_scale scale) : frame_(frame), scale_(scale) {}

  double bits(double average_bits) const {
    double const range = frame_.highest_bits - frame_.lowest_bits;
    return range > 0 ? (average_bits - frame_.lowest_bits) / range : 0;
  }
  double loss(double value) const {
    if (!std::isfinite(value)) return std::numeric_limits<double>::infinity();
    if (scale_ == loss_scale::raw) return frame_.lowest_loss > 0 ? value / frame_.lowest_loss : 0;
    double const range = logarithm(frame_.lowest_loss) - logarithm(frame_.highest_loss);
    return range != 0 ? (logarithm(value) - logarithm(frame_.highest_loss)) / range : 0;
  }

 private:
  static double logarithm(double value) { return std::log(std::max(value, std::numeric_limits<double>::min())); }

  hypervolume_frame frame_;
  loss_scale scale_;
};

/// The library's hypervolume (design.md): the normalised coordinates above, reference (1.01, 1.01). average_bits[i] and
/// losses[i] belong to one measured configuration; a loss that is not finite adds nothing. O(n log n) for a front.
inline double normalised_hypervolume(std::span<double const> average_bits, std::span<double const> losses,
                                     hypervolume_frame const& frame, loss_scale scale) {
  AMQ_EXPECTS(average_bits.size() == losses.size(), "normalised_hypervolume needs one loss for each average_bits");
  normalised_plane const plane(frame, scale);
  detail::staircase steps(normalised_plane::reference, normalised_plane::reference);
  for (std::size_t i = 0; i < losses.size(); ++i) steps.add(plane.bits(average_bits[i]), plane.loss(losses[i]));
  return steps.area();
}

}  // namespace amq
