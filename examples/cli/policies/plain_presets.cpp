// Presets without a predictor.
#include "amq/search/presets/evolution.hpp"
#include "amq/search/presets/greedy.hpp"
#include "amq/search/presets/knapsack.hpp"
#include "amq/search/presets/moead_only.hpp"
#include "amq/search/presets/nsga2_only.hpp"
#include "amq/search/presets/random.hpp"
#include "policies.hpp"

namespace amq::cli {

std::span<preset_entry const> plain_presets() {
  static constexpr auto table = preset_table(hana::tuple_t<greedy_preset, knapsack_preset, evolution_preset,
                                                           random_preset, nsga2_only_preset, moead_only_preset>);
  return table;
}

}  // namespace amq::cli
