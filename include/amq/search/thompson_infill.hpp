// Infill by Thompson sampling: each choice is the best of a world drawn from the predictor's posterior.
#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "amq/concepts/infill.hpp"
#include "amq/concepts/predictor.hpp"
#include "amq/search/detail/loss_staircase.hpp"
#include "amq/search/detail/nearest_to_front.hpp"

namespace amq {
namespace detail {

template <class P>
concept draws_functions = requires(P const& p, matrix_view<gene const> genes, random_stream& random,
                                   std::span<double> out) { p.draw(genes, random, out); };

}  // namespace detail

/// Models infill for sampling predictors (Thompson 1933; for fronts as in TSEMO, Bradford et al. 2018). One by one:
/// draw the losses of all candidates together, take the one that then adds the most hypervolume to the measured front
/// and the predictions of those chosen before. When a draw gains nothing, a random candidate. n joint draws, of the 400
/// candidates nearest to their own front where there are more.
class thompson_infill {
 public:
  using policy_category = infill_category;
  static constexpr auto needs = predictor_ability::draws;

  explicit thompson_infill(loss_scale scale = loss_scale::raw) : scale_(scale) {}

  template <class Predictor>
  std::vector<index> select(Predictor const& predictor, population const& candidates, infill_context const& context,
                            index n, random_stream& random) const {
    static_assert(
        detail::draws_functions<Predictor>,
        "amq: thompson_infill needs a predictor with `void draw(matrix_view<gene const> genes, random_stream&, "
        "std::span<double> out) const`, one joint draw in units of loss");
    std::vector<index> chosen;
    if constexpr (detail::draws_functions<Predictor>) {
      if (candidates.objectives.rows() > most_drawn) return select_nearest(predictor, candidates, context, n, random);
      auto const& objectives = candidates.objectives;
      std::vector<double> drawn(static_cast<std::size_t>(objectives.rows()));
      std::vector<index> left(drawn.size());
      std::iota(left.begin(), left.end(), index{0});
      detail::loss_staircase front(context, scale_);
      while (std::ssize(chosen) < n && !left.empty()) {
        predictor.draw(candidates.genes, random, drawn);
        auto const best = best_of(left, drawn, objectives, front, random);
        chosen.push_back(*best);
        front.add(objectives(*best, 1), objectives(*best, 0));
        left.erase(best);
      }
    }
    return chosen;
  }

 private:
  static constexpr index most_drawn = 400;

  /// A joint draw costs the cube of its rows, so of many candidates those nearest to their own front are drawn.
  template <class Predictor>
  std::vector<index> select_nearest(Predictor const& predictor, population const& candidates,
                                    infill_context const& context, index n, random_stream& random) const {
    auto rows = detail::nearest_to_front(candidates.objectives, most_drawn);
    population nearest{matrix<gene>(std::ssize(rows), candidates.genes.cols()), matrix<double>(std::ssize(rows), 2)};
    for (index i = 0; i < std::ssize(rows); ++i) {
      std::ranges::copy(candidates.genes.row(rows[static_cast<std::size_t>(i)]), nearest.genes.row(i).begin());
      std::ranges::copy(candidates.objectives.row(rows[static_cast<std::size_t>(i)]),
                        nearest.objectives.row(i).begin());
    }
    auto chosen = select(predictor, nearest, context, n, random);
    for (index& row : chosen) row = rows[static_cast<std::size_t>(row)];
    return chosen;
  }

  static std::vector<index>::iterator best_of(std::vector<index>& left, std::span<double const> drawn,
                                              matrix<double> const& objectives, detail::loss_staircase const& front,
                                              random_stream& random) {
    auto best = left.end();
    double most = 0;
    for (auto at = left.begin(); at != left.end(); ++at) {
      double const gain = front.gain(objectives(*at, 1), drawn[static_cast<std::size_t>(*at)]);
      if (gain > most) {
        most = gain;
        best = at;
      }
    }
    return best != left.end() ? best : left.begin() + random.below(std::ssize(left));
  }

  loss_scale scale_;
};

}  // namespace amq
