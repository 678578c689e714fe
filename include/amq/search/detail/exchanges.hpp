// Neighbours of a front that promise most: a step up, a step down, or one of each.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/search/detail/greedy_descent.hpp"

namespace amq::detail {

/// A configuration beside a measured one, with the ln loss that the sum of single steps gives it.
struct neighbour {
  amq::configuration configuration;
  double average_bits = 0;
  double log_loss = 0;
};

/// Steps of single layers, and exchanges of two, around measured configurations, by what the steps of a greedy descent
/// were seen to cost. The descent must outlive it.
template <class Space>
class exchanges {
 public:
  explicit exchanges(greedy_descent<Space> const& descent) : descent_(descent) {}

  /// The most promising steps up and steps down, `each` of both, and all exchanges of them. O(layers + each^2 layers).
  std::vector<neighbour> around(evaluation const& centre, index each) const {
    auto const up = steps(centre.configuration, 1, each), down = steps(centre.configuration, -1, each);
    double const log_loss = log_of_loss(centre.loss);
    std::vector<neighbour> found;
    for (auto const& s : up) found.push_back(moved(centre, log_loss, {&s, 1}));
    for (auto const& s : down) found.push_back(moved(centre, log_loss, {&s, 1}));
    for (auto const& a : up)
      for (auto const& b : down)
        if (a.variable != b.variable) {
          step const both[] = {a, b};
          found.push_back(moved(centre, log_loss, both));
        }
    return found;
  }

 private:
  struct step {
    index variable;
    int by;       // +1 or -1
    double bits;  // it adds
    double rise;  // of ln loss
  };

  static neighbour moved(evaluation const& centre, double log_loss, std::span<step const> steps, auto const& layers) {
    neighbour n{centre.configuration, centre.average_bits, log_loss};
    for (auto const& s : steps) {
      auto& here = n.configuration[static_cast<std::size_t>(layers[static_cast<std::size_t>(s.variable)])];
      here = static_cast<gene>(here + s.by);
      n.average_bits += s.bits;
      n.log_loss += s.rise;
    }
    return n;
  }
  neighbour moved(evaluation const& centre, double log_loss, std::span<step const> steps) const {
    return moved(centre, log_loss, steps, descent_.layers());
  }

  /// Up: the most ln loss won a bit; down: the least lost.
  std::vector<step> steps(configuration const& genes, int by, index most) const {
    auto const& sizes = descent_.sizes();
    std::vector<step> found;
    for (index v = 0; v < sizes.rows(); ++v) {
      int const from = genes[static_cast<std::size_t>(descent_.layers()[static_cast<std::size_t>(v)])], to = from + by;
      if (to < 0 || to >= sizes.cols() || !std::isfinite(sizes(v, to))) continue;
      double const rise = descent_.log_rises()(v, std::max(from, to));
      found.push_back({v, by, sizes(v, to) - sizes(v, from), by > 0 ? -rise : rise});
    }
    auto const count = std::min(std::ssize(found), most);
    std::partial_sort(found.begin(), found.begin() + count, found.end(), [](step const& a, step const& b) {
      double const rate_a = a.rise / std::abs(a.bits), rate_b = b.rise / std::abs(b.bits);
      return rate_a != rate_b ? rate_a < rate_b : a.variable < b.variable;
    });
    found.resize(static_cast<std::size_t>(count));
    return found;
  }

  greedy_descent<Space> const& descent_;
};

}  // namespace amq::detail
