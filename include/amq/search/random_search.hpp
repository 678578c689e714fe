// random_search: configurations drawn at random, the least that any other strategy has to beat.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/strategy.hpp"
#include "amq/search/designs.hpp"
#include "amq/search/detail/new_batch.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

/// Models strategy: the uniform configurations, then random ones, each with its own random odds of the choices, so that
/// all sizes occur. Nothing is asked twice; fewer than n only when the space has no more.
template <search_space Space = format_space>
class random_search {
 public:
  explicit random_search(Space space, choice_odds odds = choice_odds::even) : space_(std::move(space)), odds_(odds) {}

  template <archive Archive>
  std::vector<configuration> ask(Archive const& measured, index n, random_stream& random) const {
    detail::new_batch batch(measured, n);
    for (auto const& genes : random_design(space_, measured, n, random, odds_)) batch.add(genes);
    auto const known = [&](std::span<gene const> genes) { return batch.knows(genes); };
    auto const count = measured.evaluations().size() + static_cast<std::size_t>(std::max<index>(n, 0));
    if (batch.missing() > 0)
      for (auto const& genes : unmeasured_anywhere(space_, known, count, batch.missing(), random)) batch.add(genes);
    return std::move(batch).take();
  }

  void tell(std::span<configuration const>, std::span<double const>) {}

 private:
  Space space_;
  choice_odds odds_;
};

}  // namespace amq
