// Decompositions: one number for an individual along one direction, the smaller the better.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "amq/core/matrix.hpp"

namespace amq {

/// The greatest weighted distance from the ideal point (Zhang and Li 2007, equation 6). A weight of 0 counts as 10^-6,
/// so that no objective is free. `distances` are those from the ideal point.
struct tchebycheff {
  static constexpr char const* name = "tchebycheff";

  double operator()(std::span<double const> distances, std::span<double const> weights) const {
    double greatest = -std::numeric_limits<double>::infinity();
    for (std::size_t m = 0; m < weights.size(); ++m)
      greatest = std::max(greatest, std::max(weights[m], 1e-6) * distances[m]);
    return greatest;
  }
};

/// sum_m w_m f_m: reaches convex parts of a front only.
struct weighted_sum {
  static constexpr char const* name = "weighted_sum";

  double operator()(std::span<double const> distances, std::span<double const> weights) const {
    double total = 0;
    for (std::size_t m = 0; m < weights.size(); ++m) total += weights[m] * distances[m];
    return total;
  }
};

/// The distance along the direction and `penalty` times that across it (Zhang and Li 2007, section III-C).
struct boundary_intersection {
  static constexpr char const* name = "boundary_intersection";
  double penalty = 5;

  double operator()(std::span<double const> distances, std::span<double const> weights) const {
    double along = 0, squares = 0, length = 0;
    for (std::size_t m = 0; m < weights.size(); ++m) {
      along += weights[m] * distances[m];
      squares += distances[m] * distances[m];
      length += weights[m] * weights[m];
    }
    along /= std::sqrt(length);
    return along + penalty * std::sqrt(std::max(0.0, squares - along * along));
  }
};

/// The objectives' scale as it is known so far: the ideal point (the least of each), and how far the front reaches
/// beyond it. Values that are not finite say nothing about either.
class objective_scale {
 public:
  /// The least of each objective over all rows, and the greatest of each over the rows `front`. Call in this order.
  void lower_ideal(matrix_view<double const> objectives) {
    ideal_.resize(static_cast<std::size_t>(objectives.cols), std::numeric_limits<double>::infinity());
    for (index i = 0; i < objectives.rows; ++i)
      for (std::size_t m = 0; m < ideal_.size(); ++m)
        if (std::isfinite(objectives.row(i)[m])) ideal_[m] = std::min(ideal_[m], objectives.row(i)[m]);
  }
  void set_nadir(matrix_view<double const> objectives, std::span<index const> front) {
    range_.assign(ideal_.size(), 0.0);
    for (index const row : front)
      for (std::size_t m = 0; m < ideal_.size(); ++m)
        if (double const value = objectives.row(row)[m]; std::isfinite(value))
          range_[m] = std::max(range_[m], value - ideal_[m]);
    for (double& range : range_)
      if (!(range > 0)) range = 1;
  }

  /// Distances from the ideal point, in units of the front's reach; infinite where the objective is not finite.
  void distances(std::span<double const> objectives, std::span<double> out) const {
    for (std::size_t m = 0; m < out.size(); ++m)
      out[m] = std::isfinite(objectives[m]) ? (objectives[m] - ideal_[m]) / range_[m]
                                            : std::numeric_limits<double>::infinity();
  }

  std::span<double const> ideal() const { return ideal_; }
  std::span<double const> range() const { return range_; }

 private:
  std::vector<double> ideal_, range_;
};

}  // namespace amq
