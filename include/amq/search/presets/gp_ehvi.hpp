// Preset `gp_ehvi`: a Gaussian process on ln loss and batches by expected hypervolume improvement.
#pragma once

#include <utility>

#include "amq/optimize/nsga2.hpp"
#include "amq/predict/gp.hpp"
#include "amq/predict/log_target.hpp"
#include "amq/search/amq_design.hpp"
#include "amq/search/budget.hpp"
#include "amq/search/expected_hypervolume_infill.hpp"
#include "amq/search/preset_options.hpp"
#include "amq/search/surrogate_parts.hpp"

namespace amq {

template <search_space Space = format_space>
using gp_ehvi_strategy = surrogate_strategy<log_target<gp<>>, nsga2<>, expected_hypervolume_infill, amq_design, Space>;

/// What Bayesian optimisation does by default (Emmerich, Deutz, Klinkenberg 2011): no sensitivities, nothing pinned,
/// a random initial design.
inline auto gp_ehvi_parts(search_budget const& budget, nsga2_options optimizer = {}) {
  return surrogate_parts(surrogate_options{.learn_from_sensitivities = true}, log_target<gp<>>{}, nsga2<>(optimizer),
                         expected_hypervolume_infill(loss_scale::logarithmic),
                         amq_design({.initial = budget.initial, .sensitivities = false}));
}

template <search_space Space>
gp_ehvi_strategy<Space> make_gp_ehvi_strategy(Space space, search_budget const& budget, nsga2_options optimizer = {}) {
  return assemble(std::move(space), gp_ehvi_parts(budget, optimizer));
}

/// As the program lists it.
struct gp_ehvi_preset {
  static constexpr char const* name = "gp_ehvi";
  static constexpr char const* description = "a Gaussian process on ln loss, expected hypervolume improvement";
  static constexpr char const* predictor = "log_gp";
  static constexpr char const* optimizer = "nsga2";
  static constexpr char const* infill = "ehvi_log";
  static index evaluations(index layers) { return layers + 1000; }
  static search_budget budget(index evaluations) {
    return {evaluations, search_budget::of(evaluations).initial, search_budget::small_batches(evaluations).candidates};
  }
  static auto parts(search_budget const& budget, preset_options const& options) {
    return gp_ehvi_parts(budget, {.population = options.population, .generations = options.generations});
  }
};

}  // namespace amq
