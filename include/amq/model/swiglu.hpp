// The gate of the feed-forward part (SwiGLU, arXiv 2002.05202).
#pragma once

#include <cmath>

#include "amq/core/matrix.hpp"

namespace amq::detail {

/// gate = silu(gate) * up, element by element, both (rows, intermediate).
inline void swiglu(matrix_view<float> gate, matrix_view<float const> up) {
  for (index r = 0; r < gate.rows; ++r)
    for (index c = 0; c < gate.cols; ++c) gate(r, c) = gate(r, c) / (1 + std::exp(-gate(r, c))) * up(r, c);
}

}  // namespace amq::detail
