// Points of a Gaussian process, one column a dimension, and the scaled squares between them.
#pragma once

#include <Eigen/Core>
#include <span>

#include "amq/core/matrix.hpp"

namespace amq::detail {

using row_major = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

inline Eigen::Map<row_major const, 0, Eigen::OuterStride<>> as_eigen(matrix_view<double const> m) {
  return {m.data, m.rows, m.cols, Eigen::OuterStride<>(m.stride)};
}

/// out += weight d(column, value), element by element: columns are contiguous, so this is what takes a fit's time.
template <class Kernel, class Column, class Out>
void add_differences(Column const& column, double value, double weight, Out&& out) {
  if constexpr (Kernel::of_genes)
    out.array() += weight * (column.array() != value).template cast<double>();
  else
    out.array() += weight * (column.array() - value).square();
}

/// 1 / length^2 of a dimension, where one length may stand for all.
inline double weight_of(std::span<double const> lengths, index dimension) {
  double const length = lengths[lengths.size() == 1 ? 0 : static_cast<std::size_t>(dimension)];
  return 1 / (length * length);
}

/// Scaled squares from one point to the first `count` rows of points (rows, dimensions). O(count dimensions).
template <class Kernel>
Eigen::VectorXd squares_to(Eigen::MatrixXd const& points, index count, std::span<double const> point,
                           std::span<double const> lengths) {
  Eigen::VectorXd squares = Eigen::VectorXd::Zero(count);
  for (index k = 0; k < points.cols(); ++k)
    add_differences<Kernel>(points.col(k).head(count), point[static_cast<std::size_t>(k)], weight_of(lengths, k),
                            squares);
  return squares;
}

}  // namespace amq::detail
