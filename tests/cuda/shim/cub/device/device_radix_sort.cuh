// Stable sorts of pairs, the smallest key first.
#pragma once

#include <cuda_runtime.h>

#include "shim/sort_pairs.hpp"

namespace cub {

struct DeviceRadixSort {
  template <class Key, class Value>
  static cudaError_t SortPairs(void* temporary, std::size_t& bytes, Key const* keys_in, Key* keys_out,
                               Value const* values_in, Value* values_out, int count, int begin_bit = 0,
                               int end_bit = 8 * sizeof(Key), cudaStream_t on = nullptr) {
    return shim::with_temporary(temporary, bytes, on, [=] {
      shim::sort_pairs(shim::pairs_of(keys_in, keys_out, values_in, values_out), 0, count,
                       shim::sort_digits{begin_bit, end_bit, false});
    });
  }
};

}  // namespace cub
