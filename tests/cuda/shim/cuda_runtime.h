// The CUDA runtime on the host; see docs/cuda-shim.md. Comes first on the include path of tests that run kernels
// without a device.
#pragma once

#define CUDART_VERSION 13000

#include "shim/qualifiers.hpp"
#include "shim/vector_types.hpp"

#include "shim/atomics.hpp"
#include "shim/barrier.hpp"
#include "shim/bits.hpp"
#include "shim/device_names.hpp"
#include "shim/launch.hpp"
#include "shim/math.hpp"
#include "shim/warp.hpp"
