// Numbers in (0, 1) of which any first few are spread evenly.
#pragma once

#include "amq/core/matrix.hpp"

namespace amq::detail {

/// The binary digits of i behind the point in reverse: 1/2, 1/4, 3/4, 1/8, ... from 1 on (van der Corput 1935).
constexpr double van_der_corput(index i) {
  double place = 0.5, value = 0;
  for (; i > 0; i /= 2, place /= 2) value += place * static_cast<double>(i % 2);
  return value;
}

}  // namespace amq::detail
