// How large a linear layer is.
#pragma once

namespace amq::cuda {

/// Outputs and inputs.
struct layer_extent {
  int rows = 0;
  int cols = 0;
};

/// A `device_matrix` of this width holds rows of numbers, not codes: a layer that is kept.
inline constexpr int kept_bits = 16;

}  // namespace amq::cuda
