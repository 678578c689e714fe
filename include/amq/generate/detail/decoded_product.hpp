// Products with matrices that have no kernel of their own: a few rows at a time become f32.
#pragma once

#include <algorithm>

#include "amq/core/matrix.hpp"
#include "amq/kernel/dense_product.hpp"

namespace amq::detail {

/// y = x W^T for W of `rows` rows, of which decode(first, values) gives those from `first` on. Same bits whatever the
/// number of workers or of rows of x.
template <class Decode, class Executor>
void multiply_decoded(index rows, Decode const& decode, matrix_view<float const> x, matrix_view<float> y,
                      Executor& executor) {
  constexpr index piece_rows = 32;
  executor.for_each((rows + piece_rows - 1) / piece_rows, [&](index piece, int) {
    index const first = piece * piece_rows;
    matrix<float> values(std::min(piece_rows, rows - first), x.cols);
    decode(first, values.view());
    dense_matrix(values).multiply(x, {y.data + first, y.rows, values.rows(), y.stride});
  });
}

}  // namespace amq::detail
