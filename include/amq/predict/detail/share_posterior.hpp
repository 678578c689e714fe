// The share model's Gaussian process: covariances, its factor, and what follows from both.
#pragma once

#include <cmath>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "amq/predict/detail/share_features.hpp"

namespace amq {

/// Scales of the process, in units of ln loss.
struct share_scales {
  double effect = 0.6;        ///< tau: error of a single effect's logarithm
  double interference = 0.1;  ///< sigma_1: of the overlap
  double pairs = 0.1;         ///< sigma_2: of its square
  double local = 0.1;         ///< sigma_3: of the squared overlaps of single blocks and of neighbours
  double noise = 0.01;        ///< nu
};

namespace detail {

/// Prior variances of the link's coefficients, and their mean: loss proportional to the sum.
inline link_vector link_variances() { return {4, 0.25, 0.05, 0.01, 0.1, 0.1, 0.1, 0.1}; }
inline link_vector link_mean() { return {0, 1, 0, 0, 0, 0, 0, 0}; }

/// Slope of the link at u, at least 0.2.
inline double link_slope(link_vector const& beta, double u) {
  return std::max(0.2, beta(1) + 2 * beta(2) * u + 3 * beta(3) * u * u);
}

/// The parts of the covariance that scales multiply: lower triangles, (configurations, configurations).
struct share_covariance {
  Eigen::MatrixXf link;     ///< h V h'
  Eigen::MatrixXf effects;  ///< J . J'
  Eigen::MatrixXf overlap;  ///< o, summed over blocks
  Eigen::MatrixXf local;    ///< squares of the blocks' overlaps and products of neighbours', summed

  share_covariance(matrix_view<gene const> genes, share_features const& features, Eigen::VectorXd const& slopes,
                   block_places const& places, index choices, bool interference) {
    index const n = genes.rows;
    link = (features.link * link_variances().asDiagonal() * features.link.transpose()).cast<float>();
    effects = overlap = local = Eigen::MatrixXf::Zero(n, n);
    std::vector<index> all(static_cast<std::size_t>(genes.cols));
    for (index l = 0; l < genes.cols; ++l) all[static_cast<std::size_t>(l)] = l;
    Eigen::MatrixXf hot;
    add_matching_products(genes, slopes.asDiagonal() * features.shares, choices, all, hot, effects);
    if (!interference) return;
    share_features::rows const roots = features.shares.cwiseSqrt();
    Eigen::MatrixXf block(n, n), before = Eigen::MatrixXf::Zero(n, n);
    for (index b = 0; b < places.blocks; ++b) {
      std::vector<index> members;
      for (index l = 0; l < genes.cols; ++l)
        if (places.block[static_cast<std::size_t>(l)] == b) members.push_back(l);
      if (members.empty()) continue;
      block.setZero();
      add_matching_products(genes, roots, choices, members, hot, block);
      overlap += block;
      local.array() += block.array() * (block + before).array();
      std::swap(block, before);
    }
  }

  Eigen::MatrixXd matrix(share_scales const& s) const {
    auto const square = [](double v) { return static_cast<float>(v * v); };
    Eigen::MatrixXd k = (link.array() + square(s.effect) * effects.array() + square(s.local) * local.array() +
                         overlap.array() * (square(s.interference) + square(s.pairs) * overlap.array()))
                            .cast<double>();
    k.diagonal().array() += s.noise * s.noise;
    return k;
  }

  /// Of some rows.
  share_covariance select(std::vector<index> const& rows) const {
    share_covariance chosen;
    for (auto [from, to] : {std::pair(&link, &chosen.link), std::pair(&effects, &chosen.effects),
                            std::pair(&overlap, &chosen.overlap), std::pair(&local, &chosen.local)}) {
      to->resize(std::ssize(rows), std::ssize(rows));
      for (index j = 0; j < std::ssize(rows); ++j)
        for (index i = j; i < std::ssize(rows); ++i) {
          auto const a = rows[static_cast<std::size_t>(i)], b = rows[static_cast<std::size_t>(j)];
          (*to)(i, j) = (*from)(std::max(a, b), std::min(a, b));
        }
    }
    return chosen;
  }

 private:
  share_covariance() = default;
};

/// A Cholesky factor, with more on the diagonal where the matrix is singular to working precision.
struct jittered_factor {
  Eigen::LLT<Eigen::MatrixXd> llt;
  double jitter = 0;

  explicit jittered_factor(Eigen::MatrixXd k) {
    double const scale = k.diagonal().mean();
    llt.compute(k);
    for (double next = 1e-10; llt.info() != Eigen::Success && next < 1; next *= 100) {
      k.diagonal().array() += (next - jitter) * scale;
      jitter = next;
      llt.compute(k);
    }
  }

  double log_determinant() const { return 2 * llt.matrixLLT().diagonal().array().log().sum(); }
};

}  // namespace detail
}  // namespace amq
