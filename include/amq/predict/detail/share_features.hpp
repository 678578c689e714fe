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

/// Where layers are: the block of each, counted from 0, and its depth from -1 (first block) to 1 (last).
struct block_places {
  std::vector<index> block;
  std::vector<double> depth;
  index blocks = 1;

  bool operator==(block_places const&) const = default;
};

/// Spaces that do not know blocks have one.
template <class Space>
block_places places_of(Space const& space) {
  block_places places;
  for (index l = 0; l < space.size(); ++l) {
    index block = 0;
    if constexpr (requires { space.layers()[0].block; }) block = space.layers()[static_cast<std::size_t>(l)].block;
    places.block.push_back(std::max<index>(block, 0));
    places.blocks = std::max(places.blocks, places.block.back() + 1);
  }
  for (index const block : places.block)
    places.depth.push_back(
        places.blocks > 1 ? 2.0 * static_cast<double>(block) / static_cast<double>(places.blocks - 1) - 1 : 0.0);
  return places;
}

/// 1, u, u^2, u^3: the link between the logarithm of the sum and the logarithm of the loss; then m, m u, m^2 and q,
/// where m and q are the first two moments of the shares over depth: early errors may count more or less than late
/// ones.
using link_vector = Eigen::Matrix<double, 8, 1>;
inline link_vector link_features(double u, double m, double q) { return {1, u, u * u, u * u * u, m, m * u, m * m, q}; }

/// Rows of one set of configurations under one table of effects.
struct share_features {
  using rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  rows shares;                                                     ///< p: (configurations, layers)
  Eigen::VectorXd u;                                               ///< ln of the sum, less the centre
  Eigen::Matrix<double, Eigen::Dynamic, 8, Eigen::RowMajor> link;  ///< h: (configurations, 8)

  share_features() = default;
  share_features(matrix_view<gene const> genes, effect_table const& effects, block_places const& places, double centre)
      : shares(genes.rows, genes.cols), u(genes.rows), link(genes.rows, 8) {
    for (index i = 0; i < genes.rows; ++i) {
      auto const row = genes.row(i);
      for (index l = 0; l < genes.cols; ++l) shares(i, l) = effects(l, row[static_cast<std::size_t>(l)]);
      double const sum = shares.row(i).sum();
      shares.row(i) /= sum;
      u(i) = std::log(sum) - centre;
      double m = 0, q = 0;
      for (index l = 0; l < genes.cols; ++l) {
        double const depth = places.depth[static_cast<std::size_t>(l)];
        m += shares(i, l) * depth;
        q += shares(i, l) * (depth * depth - 1.0 / 3);
      }
      link.row(i) = link_features(u(i), m, q).transpose();
    }
  }
};

/// sum over the layers from `first` to before `last` where two configurations have the same gene of v(i, l) v(j, l):
/// (configurations, configurations), lower triangle. One symmetric product of one-hot rows, in f32.
/// O(n^2 layers choices).
inline void add_matching_products(matrix_view<gene const> genes, share_features::rows const& v, index choices,
                                  std::vector<index> const& layers, Eigen::MatrixXf& hot, Eigen::MatrixXf& sum) {
  hot.setZero(genes.rows, std::ssize(layers) * choices);
  for (index k = 0; k < std::ssize(layers); ++k) {
    index const l = layers[static_cast<std::size_t>(k)];
    for (index i = 0; i < genes.rows; ++i) hot(i, k * choices + genes(i, l)) = static_cast<float>(v(i, l));
  }
  sum.selfadjointView<Eigen::Lower>().rankUpdate(hot);
}

}  // namespace amq::detail
