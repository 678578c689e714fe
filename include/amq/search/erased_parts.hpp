// Parts of a surrogate_strategy whose types are known at run time only: one strategy is compiled for all combinations.
#pragma once

#include <utility>

#include "amq/optimize/any_optimizer.hpp"
#include "amq/search/any_infill.hpp"
#include "amq/search/any_initial_design.hpp"
#include "amq/search/any_predictor.hpp"
#include "amq/search/surrogate_parts.hpp"

namespace amq {

using erased_parts = surrogate_parts<any_predictor, any_optimizer, any_infill, any_initial_design>;

template <class Predictor, class Optimizer, class Infill, class Initial>
erased_parts erase(surrogate_parts<Predictor, Optimizer, Infill, Initial> parts) {
  return {parts.options, any_predictor(std::move(parts.predictor)), any_optimizer(std::move(parts.optimizer)),
          any_infill(std::move(parts.infill)), any_initial_design(std::move(parts.initial))};
}

}  // namespace amq
