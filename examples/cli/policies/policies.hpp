// What the program offers by name. Each list is compiled in a file of its own.
#pragma once

#include <span>

#include "amq/compose/catalogue.hpp"

namespace amq::cli {

std::span<policy_entry<any_predictor> const> interpolants();
std::span<policy_entry<any_predictor> const> gaussian_processes();
std::span<policy_entry<any_predictor> const> other_predictors();
std::span<policy_entry<any_optimizer> const> evolutionary_optimizers();
std::span<policy_entry<any_optimizer> const> knapsack_optimizers();
std::span<policy_entry<any_infill> const> infills();
std::span<preset_entry const> surrogate_presets();
std::span<preset_entry const> plain_presets();

/// All of the above.
catalogue const& policies();

}  // namespace amq::cli
