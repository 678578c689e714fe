// A Gaussian process conditioned on points, grown point by point.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "amq/core/matrix.hpp"
#include "amq/predict/detail/gp_points.hpp"
#include "amq/predict/detail/growing_cholesky.hpp"
#include "amq/predict/gp_likelihood.hpp"

namespace amq::detail {

/// Mean and covariance of the latent function, without the noise (Rasmussen & Williams 2006, algorithm 2.1). m points
/// added to n cost O(m n (n + d)); the factor is a function of the points and their order alone, bit for bit.
template <class Kernel>
class gp_posterior {
 public:
  gp_posterior(gp_hyperparameters hyperparameters, index dimensions)
      : h_(std::move(hyperparameters)), points_(0, dimensions) {}

  gp_hyperparameters const& hyperparameters() const { return h_; }
  index size() const { return factor_.size(); }
  index lifted() const { return factor_.lifted(); }

  /// Adds the rows of points (rows, dimensions).
  void add(matrix_view<double const> points) {
    index const known = points_.rows();
    points_.conservativeResize(known + points.rows, Eigen::NoChange);
    points_.bottomRows(points.rows) = as_eigen(points);
    for (index from = 0; from < points.rows; from += tile) {
      index const count = std::min(tile, points.rows - from);
      matrix<double> rows(count, known + from + count);
      for (index r = 0; r < count; ++r) {
        index const self = known + from + r;
        auto const covariance = covariance_to(self + 1, points.row(from + r));
        std::copy_n(covariance.data(), self + 1, rows.row(r).data());
        rows(r, self) += h_.noise;
      }
      factor_.append(rows, count);
    }
  }

  /// Conditions on these values at the points. O(n^2).
  void solve(std::span<double const> targets) {
    std::vector<double> x(at(tile * tiles(size())));
    factor_.solve_lower(x, targets, 0);
    factor_.solve_upper(x);
    alpha_ = Eigen::Map<Eigen::VectorXd const>(x.data(), size());
  }

  double mean(std::span<double const> point) const { return covariance_to(size(), point).dot(alpha_); }

  /// Variances at the rows of points (rows, dimensions). O(n (n + d)) each.
  void variances(matrix_view<double const> points, std::span<double> out) const {
    for (index from = 0; from < points.rows; from += tile) {
      auto const block = points.rows_from(from, std::min(tile, points.rows - from));
      auto const explained = explained_rows(block);
      for (index r = 0; r < block.rows; ++r)
        out[at(from + r)] = std::max(0.0, h_.variance - explained.row(r).squaredNorm());
    }
  }

  /// Covariance (rows, rows) of the rows of points. O(rows n (rows + n + d)).
  Eigen::MatrixXd covariance(matrix_view<double const> points) const {
    Eigen::MatrixXd const columns = as_eigen(points);
    Eigen::MatrixXd result(points.rows, points.rows);
    for (index j = 0; j < points.rows; ++j)
      result.col(j) = from_squares(squares_to<Kernel>(columns, points.rows, points.row(j), h_.lengths));
    auto const explained = explained_rows(points);
    result.noalias() -= explained * explained.transpose();
    return result;
  }

  /// What the process conditioned on all points but one says about that one: means and variances, without refitting
  /// (Rasmussen & Williams 2006, equations 5.10 to 5.12). O(n^3) / 3.
  void leave_one_out(std::span<double const> targets, std::span<double> means, std::span<double> variances) const {
    for (index from = 0; from < size(); from += tile) {
      matrix<double> columns(tile, tile * tiles(size()));  // of L^-1, as rows
      index const count = std::min(tile, size() - from);
      for (index r = 0; r < count; ++r) columns(r, from + r) = 1;
      factor_.solve_lower(columns, from);
      auto const inverse_diagonal = as_eigen(columns).rowwise().squaredNorm().eval();
      for (index r = 0; r < count; ++r) {
        auto const i = at(from + r);
        means[i] = targets[i] - alpha_[from + r] / inverse_diagonal[r];
        variances[i] = std::max(0.0, 1 / inverse_diagonal[r] - h_.noise);
      }
    }
  }

 private:
  static std::size_t at(index i) { return static_cast<std::size_t>(i); }

  Eigen::VectorXd from_squares(Eigen::VectorXd squares) const {
    for (double& q : squares) q = h_.variance * Kernel::of_square(q);
    return squares;
  }

  /// Covariances of a point with the first `count` points.
  Eigen::VectorXd covariance_to(index count, std::span<double const> point) const {
    return from_squares(squares_to<Kernel>(points_, count, point, h_.lengths));
  }

  /// L^-1 k for each row of points, as rows.
  row_major explained_rows(matrix_view<double const> points) const {
    matrix<double> rows((points.rows + 3) / 4 * 4, tile * tiles(size()));
    for (index r = 0; r < points.rows; ++r) {
      auto const covariance = covariance_to(size(), points.row(r));
      std::copy_n(covariance.data(), size(), rows.row(r).data());
    }
    factor_.solve_lower(rows);
    return as_eigen(rows.view().rows_from(0, points.rows));
  }

  gp_hyperparameters h_;
  Eigen::MatrixXd points_;  // (points, dimensions), so that a dimension is contiguous
  growing_cholesky factor_;
  Eigen::VectorXd alpha_;
};

}  // namespace amq::detail
