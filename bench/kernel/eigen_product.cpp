#include "kernel/eigen_product.hpp"

#include <Eigen/Core>

namespace amq::bench {

namespace {
using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
}

void eigen_product(matrix_view<float const> x, matrix_view<float const> w, matrix_view<float> y) {
  Eigen::Map<row_major const> const a(x.data, x.rows, x.cols), b(w.data, w.rows, w.cols);
  Eigen::Map<row_major>(y.data, y.rows, y.cols).noalias() = a * b.transpose();
}

}  // namespace amq::bench
