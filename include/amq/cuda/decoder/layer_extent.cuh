// How large a linear layer is.
#pragma once

namespace amq::cuda {

/// Outputs and inputs.
struct layer_extent {
  int rows = 0;
  int cols = 0;
};

}  // namespace amq::cuda
