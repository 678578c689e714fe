// Products with matrices that have no kernel of their own: a few rows at a time become f32.
#pragma once

#include <algorithm>

#include "amq/core/matrix.hpp"
#include "amq/kernel/dense_product.hpp"

namespace amq::detail {

/// y (tokens, rows) = x W^T for rows [first, first + y.cols) of W, which decode(row, values) gives a few at a time.
/// Same bits whatever the number of rows of x.
template <class Decode>
void multiply_decoded(index first, Decode const& decode, matrix_view<float const> x, matrix_view<float> y) {
  constexpr index step = 32;
  for (index row = 0; row < y.cols; row += step) {
    matrix<float> values(std::min(step, y.cols - row), x.cols);
    decode(first + row, values.view());
    dense_matrix(values).multiply(x, y.cols_from(row, values.rows()));
  }
}

}  // namespace amq::detail
