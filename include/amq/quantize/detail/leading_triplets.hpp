// The largest singular values of a matrix with their vectors, by block Krylov iteration.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include <Eigen/Dense>

#include "amq/core/matrix.hpp"
#include "amq/core/random.hpp"

namespace amq::detail {

/// Leading triplets: `left` (rows, k) and `right` (cols, k) with orthonormal columns, `values` (k) falling.
struct singular_triplets {
  Eigen::MatrixXf left;
  Eigen::VectorXf values;
  Eigen::MatrixXf right;
};

/// Block Krylov iteration (Musco and Musco, 2015, algorithm 2), every direction kept orthogonal to all before it, until
/// the wanted triplets satisfy their equations to single precision or the whole space is spanned.
class block_krylov {
 public:
  /// `matrix` must outlive this; it has no more rows than columns.
  block_krylov(Eigen::MatrixXf const& matrix, index k) : matrix_(matrix), k_(std::min(k, matrix.rows())) {}

  singular_triplets run() {
    Eigen::MatrixXf block = start();
    for (;;) {
      append(block);
      solve();
      if (basis_.cols() == matrix_.rows() || residual() <= tolerance * values_[0]) break;
      block = back_.rightCols(block.cols());
      block.conservativeResize(Eigen::NoChange, std::min(block.cols(), matrix_.rows() - basis_.cols()));
    }
    return {basis_ * vectors_, values_, images_ * vectors_ * inverse_values().asDiagonal()};
  }

 private:
  static constexpr index spare = 8;  // directions beyond the wanted ones: neighbours converge faster together
  static constexpr float tolerance = 1e-6f;

  Eigen::MatrixXf start() const {
    random_stream random(1);
    Eigen::MatrixXf block(matrix_.rows(), std::min(k_ + spare, matrix_.rows()));
    for (index i = 0; i < block.size(); ++i) block.data()[i] = static_cast<float>(random.normal());
    return block;
  }

  /// Makes `block` orthonormal and orthogonal to the basis, and multiplies the matrix with it there and back.
  void append(Eigen::MatrixXf& block) {
    constexpr int passes = 3;  // what is left after one is as far from orthogonal as rounding made it
    for (int pass = 0; pass < passes; ++pass) {
      if (basis_.cols() > 0) block -= basis_ * (basis_.transpose() * block);
      Eigen::HouseholderQR<Eigen::MatrixXf> const factors(block);
      block = factors.householderQ() * Eigen::MatrixXf::Identity(block.rows(), block.cols());
    }
    Eigen::MatrixXf const image = matrix_.transpose() * block;
    add_columns(basis_, block);
    add_columns(back_, matrix_ * image);
    add_columns(images_, image);
  }

  template <class Columns>
  static void add_columns(Eigen::MatrixXf& to, Columns const& columns) {
    Eigen::MatrixXf const added = columns;
    to.conservativeResize(added.rows(), to.cols() + added.cols());
    to.rightCols(added.cols()) = added;
  }

  /// The best triplets within the basis. Squares need double precision where values differ by thousands.
  void solve() {
    Eigen::MatrixXd const images = images_.cast<double>();
    Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> const solver(images.transpose() * images);
    vectors_ = solver.eigenvectors().rightCols(k_).rowwise().reverse().cast<float>();
    values_ = solver.eigenvalues().tail(k_).reverse().cwiseMax(0.0).cwiseSqrt().cast<float>();
  }

  /// How far the triplet that fits worst is from matrix * right = value * left.
  float residual() const {
    Eigen::MatrixXf const found = back_ * vectors_ * inverse_values().asDiagonal();
    Eigen::MatrixXf const wanted = basis_ * vectors_ * values_.asDiagonal();
    return (found - wanted).colwise().norm().maxCoeff();
  }

  /// 0 where a value is: its right vector is not determined, and its product is 0 whatever it is.
  Eigen::VectorXf inverse_values() const {
    return values_.unaryExpr([](float value) { return value > 0 ? 1 / value : 0.0f; });
  }

  Eigen::MatrixXf const& matrix_;
  index k_;
  Eigen::MatrixXf basis_;    // (rows, directions)
  Eigen::MatrixXf images_;   // matrix^T basis
  Eigen::MatrixXf back_;     // matrix matrix^T basis
  Eigen::MatrixXf vectors_;  // (directions, k): the triplets in terms of the basis
  Eigen::VectorXf values_;
};

/// The `k` leading singular triplets of `matrix` (rows, cols); fewer where it has fewer rows or columns. Same matrix,
/// same bits. A few tens of products with k + 8 vectors: seconds for 4096 x 4096, where a full decomposition takes
/// minutes.
inline singular_triplets leading_triplets(Eigen::MatrixXf const& matrix, index k) {
  if (matrix.rows() <= matrix.cols()) return block_krylov(matrix, k).run();
  Eigen::MatrixXf const turned = matrix.transpose();
  auto found = block_krylov(turned, k).run();
  std::swap(found.left, found.right);
  return found;
}

}  // namespace amq::detail
