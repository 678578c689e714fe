// The measured front as steps over the axis of bits, and what a point of known size would add below it.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/infill.hpp"
#include "amq/indicate/hypervolume.hpp"

namespace amq::detail {

/// In the coordinates of one normalised_plane, up to its reference.
class loss_staircase {
 public:
  loss_staircase(infill_context const& context, loss_scale scale) : plane_(context.frame, scale) {
    for (std::size_t i = 0; i < context.front_bits.size(); ++i) add(context.front_bits[i], context.front_losses[i]);
  }

  normalised_plane const& plane() const { return plane_; }

  void add(double average_bits, double loss) { steps_.add(plane_.bits(average_bits), plane_.loss(loss)); }

  /// The area that a point would add.
  double gain(double average_bits, double loss) const {
    return steps_.gain(plane_.bits(average_bits), plane_.loss(loss));
  }

  /// The expected area when E[max(0, height - loss)] is `improvement(height)`. O(pieces of the front).
  template <class Improvement>
  double expected_gain(double average_bits, Improvement const& improvement) const {
    double area = 0;
    steps_.for_each_piece(plane_.bits(average_bits), [&](double width, double height) {
      area += width * improvement(height);
      return true;
    });
    return area;
  }

 private:
  normalised_plane plane_;
  staircase steps_{normalised_plane::reference, normalised_plane::reference};
};

/// Calls choose(candidate) for n of the candidates: always the one of greatest gain(candidate), which may fall but
/// never rise by what is chosen; when none gains, random ones.
template <class Gain, class Choose>
void choose_by_gain(index candidates, index n, random_stream& random, Gain const& gain, Choose const& choose) {
  std::vector<std::pair<double, index>> bounds;  // what a candidate gained when it was last looked at
  for (index i = 0; i < candidates; ++i) bounds.emplace_back(gain(i), i);
  auto const less = [](auto const& a, auto const& b) {
    return a.first != b.first ? a.first < b.first : a.second > b.second;
  };
  std::make_heap(bounds.begin(), bounds.end(), less);
  while (n > 0 && !bounds.empty() && bounds.front().first > 0) {
    std::pop_heap(bounds.begin(), bounds.end(), less);
    auto& [bound, i] = bounds.back();
    double const now = gain(i);
    if (now < bound) {
      bound = now;
      std::push_heap(bounds.begin(), bounds.end(), less);
      continue;
    }
    choose(i);
    bounds.pop_back();
    --n;
  }
  std::vector<index> rest;
  for (auto const& [bound, i] : bounds) rest.push_back(i);
  std::ranges::sort(rest);
  random.shuffle(rest);
  for (index const i : rest)
    if (n-- > 0) choose(i);
}

}  // namespace amq::detail
