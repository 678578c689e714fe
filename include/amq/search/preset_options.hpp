// What a user may tell a preset or a policy that is chosen by name.
#pragma once

#include "amq/core/matrix.hpp"
#include "amq/space/sensitivity.hpp"

namespace amq {

/// Each is heeded by those that have such a thing.
struct preset_options {
  index population = 200;                                        ///< of evolutionary optimizers
  index generations = 20;                                        ///< of the same
  double sensitivity_threshold = default_sensitivity_threshold;  ///< x median: layers above it are pinned
};

}  // namespace amq
