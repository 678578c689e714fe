// The words that mark functions and variables for the device mean nothing here. There is no __shared__: shared memory
// comes from ptx::dynamic_shared().
#pragma once

#define __global__
#define __device__
#define __host__
#define __constant__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
