// One value of all threads of a block.
#pragma once

#include <cuda_runtime.h>

#include <functional>

#include "shim/block_storage.hpp"

namespace cub {

/// The result is thread 0's. As on a device, storage may be used again only after a barrier.
template <class T, int Threads>
class BlockReduce {
 public:
  using TempStorage = shim::raw_values<T, Threads>;

  explicit BlockReduce(TempStorage& storage) : values_(storage) {}

  T Sum(T value) { return Reduce(value, std::plus<T>()); }

  template <class Operation>
  T Reduce(T value, Operation operation) {
    int const me = shim::linear_thread();
    values_[me] = value;
    __syncthreads();
    if (me == 0)
      for (int i = 1; i < Threads; ++i) value = operation(value, values_[i]);
    return value;
  }

 private:
  TempStorage& values_;
};

}  // namespace cub
