// The non-dominated part of an archive: average bits against loss.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"

namespace amq {

struct front_point {
  amq::configuration configuration;
  double average_bits = 0;
  std::int64_t model_bytes = 0;
  double loss = 0;
};

/// Points of which no other measured configuration has both fewer (or equal) bits and less (or equal) loss, sorted by
/// bits; of equal ones the first measured stays. Losses fall along it. Everything measured counts, uniform
/// configurations and sensitivities too, so no point is worse than the best uniform one of its size.
class front {
 public:
  /// O(n log n). Evaluations whose loss is not finite, or on a part of the tokens, are left out.
  explicit front(std::span<evaluation const> evaluations) {
    std::vector<evaluation const*> sorted;
    for (auto const& e : evaluations)
      if (std::isfinite(e.loss) && e.fidelity == 1) sorted.push_back(&e);
    std::stable_sort(sorted.begin(), sorted.end(), [](evaluation const* a, evaluation const* b) {
      return a->average_bits != b->average_bits ? a->average_bits < b->average_bits : a->loss < b->loss;
    });
    for (auto const* e : sorted)
      if (points_.empty() || e->loss < points_.back().loss)
        points_.push_back({e->configuration, e->average_bits, e->model_bytes, e->loss});
  }

  auto begin() const { return points_.begin(); }
  auto end() const { return points_.end(); }
  std::size_t size() const { return points_.size(); }
  bool empty() const { return points_.empty(); }
  front_point const& operator[](std::size_t i) const { return points_[i]; }

  /// The least loss within a budget of bits a weight, overhead included. Throws input_error, with the smallest that was
  /// measured, when nothing fits.
  front_point const& best_within(double average_bits) const {
    return last_that([&](front_point const& p) { return p.average_bits <= average_bits; },
                     number(average_bits) + " average bits",
                     [](front_point const& p) { return number(p.average_bits); });
  }

  /// The least loss within a budget of bytes for the whole model in the target format.
  front_point const& best_within_bytes(std::int64_t model_bytes) const {
    return last_that([&](front_point const& p) { return p.model_bytes <= model_bytes; },
                     std::to_string(model_bytes) + " bytes",
                     [](front_point const& p) { return std::to_string(p.model_bytes); });
  }

 private:
  static std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
  }

  /// The losses fall along the front, so the last point that fits is the best.
  template <class Fits, class Size>
  front_point const& last_that(Fits const& fits, std::string const& budget, Size const& size) const {
    if (points_.empty()) throw input_error("a front of nothing measured has no configuration within " + budget);
    auto const found = std::find_if(points_.rbegin(), points_.rend(), fits);
    if (found == points_.rend())
      throw input_error("no measured configuration fits within " + budget + "; the smallest needs " +
                        size(points_.front()));
    return *found;
  }

  std::vector<front_point> points_;
};

}  // namespace amq
