// Weight vectors of decomposition: evenly spread directions in the space of objectives, one a subproblem.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// How many points `simplex_lattice` has: binomial(divisions + objectives - 1, objectives - 1).
inline index simplex_lattice_size(index objectives, index divisions) {
  index size = 1;
  for (index k = 1; k < objectives; ++k) size = size * (divisions + k) / k;
  return size;
}

/// All vectors (points, objectives) of multiples of 1 / divisions that sum to 1, in lexicographic order (Das and Dennis
/// 1998). Throws precondition_error without objectives or divisions.
inline matrix<double> simplex_lattice(index objectives, index divisions) {
  AMQ_EXPECTS(objectives >= 1 && divisions >= 1, "simplex_lattice needs at least one objective and one division, not " +
                                                     std::to_string(objectives) + " and " + std::to_string(divisions));
  matrix<double> points(simplex_lattice_size(objectives, divisions), objectives);
  std::vector<index> parts(static_cast<std::size_t>(objectives), 0);
  parts.back() = divisions;
  for (index row = 0; row < points.rows(); ++row) {
    for (index m = 0; m < objectives; ++m)
      points(row, m) = static_cast<double>(parts[static_cast<std::size_t>(m)]) / static_cast<double>(divisions);
    auto last = parts.size() - 1;  // the last part that is not 0 gives one to its left, and the rest goes to the end
    while (last > 0 && parts[last] == 0) --last;
    if (last == 0) break;
    auto const rest = parts[last] - 1;
    ++parts[last - 1];
    parts[last] = 0;
    parts.back() = rest;
  }
  return points;
}

/// The lattice with the most divisions that has at most `most` points; the corners alone where those are more.
struct uniform_weights {
  matrix<double> operator()(index objectives, index most) const {
    index divisions = 1;
    while (objectives > 1 && simplex_lattice_size(objectives, divisions + 1) <= most) ++divisions;
    return simplex_lattice(objectives, divisions);
  }
};

/// An outer lattice and an inner one of a division less, drawn half way to the centre: for many objectives, where a
/// lattice with points inside has too many (Li, Deb, Zhang and Kwong 2015). As many divisions as `most` points allow.
struct two_layer_weights {
  double shrink = 0.5;  ///< of the inner layer

  matrix<double> operator()(index objectives, index most) const {
    auto const size = [&](index divisions) {
      return simplex_lattice_size(objectives, divisions) + simplex_lattice_size(objectives, divisions - 1);
    };
    index divisions = 2;
    while (objectives > 1 && size(divisions + 1) <= most) ++divisions;
    auto const outer = simplex_lattice(objectives, divisions), inner = simplex_lattice(objectives, divisions - 1);
    matrix<double> both(outer.rows() + inner.rows(), objectives);
    std::copy_n(outer.data(), outer.size(), both.data());
    for (index i = 0; i < inner.rows(); ++i)
      for (index m = 0; m < objectives; ++m)
        both(outer.rows() + i, m) = (1 - shrink) / static_cast<double>(objectives) + shrink * inner(i, m);
    return both;
  }
};

}  // namespace amq
