// Errors of a layer's outputs from second moments of its inputs, by Eigen.
#pragma once

#include <algorithm>

#include <Eigen/Core>

#include "amq/core/matrix.hpp"

namespace amq::detail {

using row_major_f32 = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using const_eigen_view = Eigen::Map<row_major_f32 const, 0, Eigen::OuterStride<>>;

inline const_eigen_view eigen_view(matrix_view<float const> m) {
  return {m.data, m.rows, m.cols, Eigen::OuterStride<>(m.stride)};
}

/// d M d^T of each row d of `errors` (rows, n), M (n, n).
inline Eigen::VectorXf row_errors(row_major_f32 const& errors, row_major_f32 const& moments) {
  return (errors * moments).cwiseProduct(errors).rowwise().sum();
}

}  // namespace amq::detail
