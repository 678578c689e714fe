// Points and the kernel between them and any other: from a table where they lie on a lattice, else from real distances.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "amq/core/matrix.hpp"
#include "amq/predict/detail/lattice_points.hpp"

namespace amq::detail {

/// A growing list of points with `dimensions` features. With a grid, all of them must be on it.
template <class Kernel>
class kernel_points {
 public:
  static constexpr index block = lattice_points::block;
  struct alignas(64) values : std::array<double, block> {};

  explicit kernel_points(index dimensions, std::optional<lattice> grid = {}, Kernel kernel = {})
      : dimensions_(dimensions), grid_(grid), kernel_(kernel) {
    if (!grid_) return;
    double const unit = 1.0 / (grid_->scale() * grid_->scale());
    for (index square = 0; square <= grid_->largest_square(); ++square)
      table_.push_back(of_square(static_cast<double>(square) * unit));
  }

  index size() const { return size_; }

  void add(std::span<double const> features) {
    features_.insert(features_.end(), features.begin(), features.end());
    if (grid_) lattice_.add(grid_->encode({features.data(), 1, std::ssize(features)}), 0);
    ++size_;
  }

  /// visit(row, b, phi) for each row of features (points, dimensions) and each block b of 64 points: phi[j] is the
  /// kernel to point 64 b + j, and finite beyond the last. Rows innermost, so that a block is read once for all; blocks
  /// rise for each row.
  template <class Visit>
  void visit_kernel(matrix_view<double const> features, Visit&& visit) const {
    auto const points = grid_ ? grid_->encode(features) : lattice_codes{};
    values phi{};
    for (index b = 0; b * block < size_; ++b)
      for (index row = 0; row < features.rows; ++row) {
        if (grid_ && points.on_lattice(row))
          look_up(points, row, b, phi);
        else
          compute(features.row(row), b, phi);
        visit(row, b, std::as_const(phi));
      }
  }

 private:
  double of_square(double square) const {
    if constexpr (requires { requires Kernel::relative; })
      return kernel_.of_square(square / static_cast<double>(std::max<index>(dimensions_, 1)));
    else
      return kernel_.of_square(square);
  }

  void look_up(lattice_codes const& points, index row, index b, values& phi) const {
    std::array<std::int32_t, block> squares;
    lattice_.squared_distances(points, row, b, squares);
    for (std::size_t j = 0; j < block; ++j) phi[j] = table_[static_cast<std::size_t>(squares[j])];
  }

  void compute(std::span<double const> features, index b, values& phi) const {
    index const count = std::min(block, size_ - b * block);
    for (index j = 0; j < count; ++j) {
      double const* const own = features_.data() + (b * block + j) * dimensions_;
      double square = 0;
      for (std::size_t k = 0; k < features.size(); ++k) square += (features[k] - own[k]) * (features[k] - own[k]);
      phi[static_cast<std::size_t>(j)] = of_square(square);
    }
  }

  index dimensions_;
  index size_ = 0;
  std::optional<lattice> grid_;
  [[no_unique_address]] Kernel kernel_;
  lattice_points lattice_;
  std::vector<double> features_;  // (size, dimensions)
  std::vector<double> table_;     // kernel by squared distance in steps
};

}  // namespace amq::detail
