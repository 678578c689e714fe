// The format that a file's configuration names once, layers that differ being listed.
#pragma once

#include <algorithm>
#include <span>

#include "amq/core/format.hpp"
#include "amq/core/matrix.hpp"

namespace amq::detail {

/// The most frequent format of the quantized layers; the first of those in a draw, 4g128 where all are kept.
inline format most_frequent(std::span<format const> formats) {
  format best{4, 128};
  index most = 0;
  for (format const f : formats) {
    index const count = std::count(formats.begin(), formats.end(), f);
    if (!f.kept() && count > most) {
      best = f;
      most = count;
    }
  }
  return best;
}

}  // namespace amq::detail
