// Presets that are a surrogate_strategy, whose parts may be replaced.
#include "amq/search/presets/amq.hpp"
#include "amq/search/presets/amq_as_released.hpp"
#include "amq/search/presets/best.hpp"
#include "amq/search/presets/gp_ehvi.hpp"
#include "amq/search/presets/share.hpp"
#include "policies.hpp"

namespace amq::cli {

std::span<preset_entry const> surrogate_presets() {
  static constexpr auto table =
      preset_table(hana::tuple_t<best_preset, share_preset, amq_preset, amq_as_released_preset, gp_ehvi_preset>);
  return table;
}

}  // namespace amq::cli
