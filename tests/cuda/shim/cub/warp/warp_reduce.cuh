// One value of all lanes of a warp.
#pragma once

#include <cuda_runtime.h>

#include <functional>

namespace cub {

/// The result is lane 0's.
template <class T>
class WarpReduce {
 public:
  struct TempStorage {};

  explicit WarpReduce(TempStorage&) {}

  T Sum(T value) { return Reduce(value, std::plus<T>()); }

  template <class Operation>
  T Reduce(T value, Operation operation) {
    for (unsigned distance = 1; distance < 32; distance *= 2)
      value = operation(value, __shfl_down_sync(~0u, value, distance));
    return value;
  }
};

}  // namespace cub
