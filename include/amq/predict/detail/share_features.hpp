// What the share model sees of configurations: each layer's share of an additive sum, and how far shares overlap.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <Eigen/Core>

#include "amq/core/configuration.hpp"

namespace amq::detail {

using effect_table = Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;  // (layers, choices)

/// 1, u, u^2, u^3: the link between the logarithm of the sum and the logarithm of the loss.
inline Eigen::Vector4d link_features(double u) { return {1, u, u * u, u * u * u}; }

/// Rows of one set of configurations under one table of effects.
struct share_features {
  using rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  rows shares;        ///< p: (configurations, layers)
  Eigen::VectorXd u;  ///< ln of the sum, less the centre

  share_features() = default;
  share_features(matrix_view<gene const> genes, effect_table const& effects, double centre)
      : shares(genes.rows, genes.cols), u(genes.rows) {
    for (index i = 0; i < genes.rows; ++i) {
      auto const row = genes.row(i);
      for (index l = 0; l < genes.cols; ++l) shares(i, l) = effects(l, row[static_cast<std::size_t>(l)]);
      double const sum = shares.row(i).sum();
      shares.row(i) /= sum;
      u(i) = std::log(sum) - centre;
    }
  }
};

/// sum over layers where two configurations have the same gene of v(i, l) v(j, l): (configurations, configurations),
/// lower triangle. One symmetric product of one-hot rows, in f32. O(n^2 layers choices).
inline Eigen::MatrixXf matching_products(matrix_view<gene const> genes, share_features::rows const& v, index choices) {
  Eigen::MatrixXf hot = Eigen::MatrixXf::Zero(genes.cols * choices, genes.rows);
  for (index i = 0; i < genes.rows; ++i)
    for (index l = 0; l < genes.cols; ++l) hot(l * choices + genes(i, l), i) = static_cast<float>(v(i, l));
  Eigen::MatrixXf products = Eigen::MatrixXf::Zero(genes.rows, genes.rows);
  products.selfadjointView<Eigen::Lower>().rankUpdate(hot.transpose());
  return products;
}

}  // namespace amq::detail
