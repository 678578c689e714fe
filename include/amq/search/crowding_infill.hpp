// Infill by rank and crowding: whole fronts of the predicted objectives, however many those are.
#pragma once

#include <vector>

#include "amq/concepts/infill.hpp"
#include "amq/optimize/selection.hpp"

namespace amq {

/// Models infill: the candidates that NSGA-II's survival would keep (Deb et al. 2002), non-dominated ones first and the
/// last front cut by crowding distance. Sees all objectives alike, so it serves searches with more than two, as
/// AutoMixQ's choice of Pareto points does (arXiv 2411.13814). O(candidates^2).
class crowding_infill {
 public:
  using policy_category = infill_category;
  static constexpr bool many_objectives = true;

  template <class Predictor>
  std::vector<index> select(Predictor const&, population const& candidates, infill_context const&, index n,
                            random_stream&) const {
    return rank_and_crowding_survival(candidates.objectives, n).rows;
  }
};

}  // namespace amq
