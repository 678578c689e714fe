// Cholesky factors of covariances that may be singular.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>

#include "amq/core/error.hpp"

namespace amq::detail {

/// The factor of covariance + jitter I, where jitter becomes the least of itself and 10^-10, 10^-9, ... variances that
/// makes it positive definite. O(n^3).
inline Eigen::LLT<Eigen::MatrixXd> lifted_factor(Eigen::MatrixXd covariance, double variance, double& jitter) {
  double added = 0;
  for (;;) {
    covariance.diagonal().array() += jitter - added;
    added = jitter;
    Eigen::LLT<Eigen::MatrixXd> factor(covariance);
    if (factor.info() == Eigen::Success && (factor.matrixLLT().diagonal().array() > 0).all()) return factor;
    jitter = std::max(10 * jitter, 1e-10 * variance);
    AMQ_EXPECTS(jitter < 1e6 * variance, "a Gaussian process met features or lengths that are not finite numbers");
  }
}

}  // namespace amq::detail
