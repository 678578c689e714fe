// How likely targets are under a Gaussian process, and how that changes with its hyper-parameters.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/predict/detail/gp_points.hpp"
#include "amq/predict/detail/lifted_factor.hpp"
#include "amq/predict/gp_kernels.hpp"

namespace amq {

/// K = variance k(q) + noise I. `lengths` has one entry for all dimensions or one for each; variance and noise are in
/// squared units of the targets.
struct gp_hyperparameters {
  double variance = 1;
  std::vector<double> lengths{1.0};
  double noise = 1e-2;

  bool operator==(gp_hyperparameters const&) const = default;
};

/// `gradient` is with respect to ln variance, ln lengths ..., ln noise. `jitter` was added to the noise because K was
/// not positive definite to working precision; 0 almost always.
struct gp_likelihood {
  double value = 0;
  std::vector<double> gradient;
  double jitter = 0;
};

namespace detail {

inline void expect_hyperparameters(gp_hyperparameters const& h, index dimensions) {
  auto const positive = [](double value) { return std::isfinite(value) && value > 0; };
  bool lengths = true;
  for (double const length : h.lengths) lengths = lengths && positive(length);
  AMQ_EXPECTS(positive(h.variance) && lengths && std::isfinite(h.noise) && h.noise >= 0,
              "a Gaussian process needs a positive variance and lengths and no negative noise; variance is " +
                  std::to_string(h.variance) + ", noise " + std::to_string(h.noise));
  AMQ_EXPECTS(h.lengths.size() == 1 || std::ssize(h.lengths) == dimensions,
              "a Gaussian process needs one length, or one for each of its " + std::to_string(dimensions) +
                  " dimensions; there are " + std::to_string(h.lengths.size()));
}

/// log_marginal_likelihood at many hyper-parameters of the same points (rows, dimensions) and targets.
template <class Kernel>
class gp_evidence {
 public:
  gp_evidence(matrix_view<double const> points, std::span<double const> targets)
      : points_(as_eigen(points)),
        targets_(Eigen::Map<Eigen::VectorXd const>(targets.data(), std::ssize(targets))),
        unscaled_(squares(std::vector<double>{1.0})) {}

  /// Mean over all pairs, a point with itself among them, of the unscaled square.
  double mean_square() const {
    auto const n = static_cast<double>(points_.rows());
    return 2 * unscaled_.sum() / (n * n);
  }

  gp_likelihood operator()(gp_hyperparameters const& h) const {
    Eigen::MatrixXd const q = h.lengths.size() == 1 ? unscaled_ * weight_of(h.lengths, 0) : squares(h.lengths);
    Eigen::MatrixXd const covariance =
        map_lower(q, [&](double square) { return h.variance * Kernel::of_square(square); });
    gp_likelihood result;
    auto const factor = lifted_factor(with_noise(covariance, h.noise), h.variance, result.jitter);
    Eigen::VectorXd const alpha = factor.solve(targets_);
    auto const n = points_.rows();
    result.value = -0.5 * targets_.dot(alpha) - factor.matrixLLT().diagonal().array().log().sum() -
                   0.5 * static_cast<double>(n) * std::log(2 * std::numbers::pi);

    // With W = alpha alpha^T - K^-1, a derivative is tr(W dK) / 2: half of the diagonal and all below it.
    Eigen::MatrixXd w = -inverse(factor.matrixLLT());
    w.selfadjointView<Eigen::Lower>().rankUpdate(alpha);
    double const trace = w.trace();
    w.diagonal() *= 0.5;
    result.gradient.push_back(lower_dot(w, covariance));
    Eigen::MatrixXd const slopes = map_lower(q, [&](double square) { return h.variance * Kernel::slope(square); });
    w.array() *= slopes.array();
    append_length_gradients(h.lengths, w, q, result.gradient);
    result.gradient.push_back(0.5 * trace * h.noise);
    return result;
  }

 private:
  /// Scaled squares below the diagonal, zeros on it and above.
  Eigen::MatrixXd squares(std::span<double const> lengths) const {
    auto const n = points_.rows();
    Eigen::MatrixXd q = Eigen::MatrixXd::Zero(n, n);
    for (index k = 0; k < points_.cols(); ++k)
      for (index j = 0; j < n; ++j)
        add_differences<Kernel>(points_.col(k).tail(n - j), points_(j, k), weight_of(lengths, k), q.col(j).tail(n - j));
    return q;
  }

  template <class Function>
  static Eigen::MatrixXd map_lower(Eigen::MatrixXd const& from, Function function) {
    Eigen::MatrixXd to = Eigen::MatrixXd::Zero(from.rows(), from.cols());
    for (index j = 0; j < from.cols(); ++j)
      for (index i = j; i < from.rows(); ++i) to(i, j) = function(from(i, j));
    return to;
  }

  static Eigen::MatrixXd with_noise(Eigen::MatrixXd covariance, double noise) {
    covariance.diagonal().array() += noise;
    return covariance;
  }

  /// (L L^T)^-1 on the diagonal and below it. Its columns from `first` on need no rows of L before `first`: a third of
  /// the work of a full solution.
  static Eigen::MatrixXd inverse(Eigen::MatrixXd const& lower) {
    index const n = lower.rows();
    index const width = 64;
    Eigen::MatrixXd result = Eigen::MatrixXd::Zero(n, n);
    for (index first = 0; first < n; first += width) {
      auto const corner = lower.bottomRightCorner(n - first, n - first).triangularView<Eigen::Lower>();
      Eigen::MatrixXd columns = Eigen::MatrixXd::Identity(n - first, std::min(width, n - first));
      corner.solveInPlace(columns);
      corner.transpose().solveInPlace(columns);
      result.block(first, first, columns.rows(), columns.cols()) = columns;
    }
    return result;
  }

  static double lower_dot(Eigen::MatrixXd const& a, Eigen::MatrixXd const& b) {
    double total = 0;
    for (index j = 0; j < a.cols(); ++j) total += a.col(j).tail(a.rows() - j).dot(b.col(j).tail(a.rows() - j));
    return total;
  }

  /// m = W dk/dq below the diagonal; dq / d ln length_k is -2 weight_k d_k.
  void append_length_gradients(std::span<double const> lengths, Eigen::MatrixXd const& m, Eigen::MatrixXd const& q,
                               std::vector<double>& gradient) const {
    if (lengths.size() == 1) return gradient.push_back(-2 * lower_dot(m, q));
    auto const n = points_.rows();
    Eigen::VectorXd differences(n);
    for (index k = 0; k < points_.cols(); ++k) {
      double total = 0;
      for (index j = 0; j < n; ++j) {
        auto below = differences.tail(n - j);
        below.setZero();
        add_differences<Kernel>(points_.col(k).tail(n - j), points_(j, k), 1.0, below);
        total += m.col(j).tail(n - j).dot(below);
      }
      gradient.push_back(-2 * weight_of(lengths, k) * total);
    }
  }

  Eigen::MatrixXd points_;
  Eigen::VectorXd targets_;
  Eigen::MatrixXd unscaled_;
};

}  // namespace detail

/// ln p(targets | points) = -y^T K^-1 y / 2 - sum_i ln L_ii - n / 2 ln 2 pi of a process of mean zero, in nats, and its
/// gradient (Rasmussen & Williams 2006, equations 2.30 and 5.9). points is (rows, dimensions); O(n^3 + n^2 dimensions).
/// Throws precondition_error on hyper-parameters or sizes that do not fit.
template <gp_kernel Kernel>
gp_likelihood log_marginal_likelihood(matrix_view<double const> points, std::span<double const> targets,
                                      gp_hyperparameters const& hyperparameters) {
  AMQ_EXPECTS(points.rows >= 1 && points.rows == std::ssize(targets),
              "log_marginal_likelihood needs one target for each point and at least one; there are " +
                  std::to_string(points.rows) + " points and " + std::to_string(targets.size()) + " targets");
  detail::expect_hyperparameters(hyperparameters, points.cols);
  return detail::gp_evidence<Kernel>(points, targets)(hyperparameters);
}

}  // namespace amq
