// Eigen's product, in a unit of its own so that it may be compiled for this very processor.
#pragma once

#include "amq/core/matrix.hpp"

namespace amq::bench {

/// y = x W^T
void eigen_product(matrix_view<float const> x, matrix_view<float const> w, matrix_view<float> y);

}  // namespace amq::bench
