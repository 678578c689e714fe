// The parts of a surrogate_strategy before there is a space to search: what a preset is, and where one part is
// replaced.
#pragma once

#include <utility>
#include <vector>

#include "amq/search/surrogate_strategy.hpp"

namespace amq {

template <class Predictor, class Optimizer, class Infill, class Initial>
struct surrogate_parts {
  surrogate_options options;
  Predictor predictor;
  Optimizer optimizer;
  Infill infill;
  Initial initial;
};
template <class Predictor, class Optimizer, class Infill, class Initial>
surrogate_parts(surrogate_options, Predictor, Optimizer, Infill, Initial)
    -> surrogate_parts<Predictor, Optimizer, Infill, Initial>;

/// The strategy that these parts make, for loss, average bits and further objectives.
template <search_space Space, class Predictor, class Optimizer, class Infill, class Initial>
surrogate_strategy<Predictor, Optimizer, Infill, Initial, Space> assemble(
    Space space, surrogate_parts<Predictor, Optimizer, Infill, Initial> parts,
    std::vector<any_objective> further = {}) {
  return surrogate_strategy<Predictor, Optimizer, Infill, Initial, Space>(
      std::move(space), parts.options, std::move(parts.predictor), std::move(parts.optimizer), std::move(parts.infill),
      std::move(parts.initial), std::move(further));
}

}  // namespace amq
