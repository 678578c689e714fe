// Stable sorts of the pairs within each of many segments, the largest key first.
#pragma once

#include <cuda_runtime.h>

#include "shim/sort_pairs.hpp"

namespace cub {

struct DeviceSegmentedRadixSort {
  template <class Key, class Value, class Offset>
  static cudaError_t SortPairsDescending(void* temporary, std::size_t& bytes, Key const* keys_in, Key* keys_out,
                                         Value const* values_in, Value* values_out, int, int segments,
                                         Offset const* begins, Offset const* ends, int begin_bit = 0,
                                         int end_bit = 8 * sizeof(Key), cudaStream_t on = nullptr) {
    return shim::with_temporary(temporary, bytes, on, [=] {
      for (int i = 0; i < segments; ++i)
        shim::sort_pairs(shim::pairs_of(keys_in, keys_out, values_in, values_out), begins[i], ends[i],
                         shim::sort_digits{begin_bit, end_bit, true});
    });
  }
};

}  // namespace cub
