// A low-rank pair beside a weight matrix, as fine-tuning adds it (LoRA, Hu et al. 2022, arXiv 2106.09685).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// Stands for the matrix scale * B A beside a layer's own, (rows, cols) as that one.
struct adapter {
  matrix<float> down;  ///< A (rank, cols)
  matrix<float> up;    ///< B (rows, rank)
  float scale = 1;

  index rows() const { return up.rows(); }
  index cols() const { return down.cols(); }
  index rank() const { return down.rows(); }
};

/// y (tokens, rows) += scale * (x A^T) B^T, x (tokens, cols). A row of y depends on its row of x alone, bit for bit.
/// 2 tokens rank (rows + cols) operations. Throws precondition_error when the shapes disagree.
inline void add_adapter(adapter const& pair, matrix_view<float const> x, matrix_view<float> y) {
  AMQ_EXPECTS(pair.up.cols() == pair.rank() && x.cols == pair.cols() && y.cols == pair.rows() && x.rows == y.rows,
              "an adapter of rank " + std::to_string(pair.rank()) + " for (" + std::to_string(pair.rows()) + ", " +
                  std::to_string(pair.cols()) + ") does not fit the (" + std::to_string(y.cols) + ", " +
                  std::to_string(x.cols) + ") matrix beside it");
  auto const dot = [](std::span<float const> a, std::span<float const> b) {
    float sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  std::vector<float> inner(static_cast<std::size_t>(pair.rank()));
  for (index token = 0; token < x.rows; ++token) {
    for (index k = 0; k < pair.rank(); ++k) inner[static_cast<std::size_t>(k)] = dot(pair.down.row(k), x.row(token));
    for (index row = 0; row < pair.rows(); ++row) y(token, row) += pair.scale * dot(pair.up.row(row), inner);
  }
}

}  // namespace amq
