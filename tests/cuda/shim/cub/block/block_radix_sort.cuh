// Sorts pairs of a block's threads.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>

#include "shim/block_storage.hpp"
#include "shim/radix.hpp"

namespace cub {

template <class Key, int Threads, int Items, class Value>
class BlockRadixSort {
  struct pair {
    Key key;
    Value value;
  };

 public:
  using TempStorage = shim::raw_values<pair, Threads * Items>;

  explicit BlockRadixSort(TempStorage& storage) : pairs_(storage) {}

  /// Thread t brings the pairs t * Items.. and gets those of ranks t, t + Threads, ..., the largest key first; pairs of
  /// equal keys stay in order.
  void SortDescendingBlockedToStriped(Key (&keys)[Items], Value (&values)[Items]) {
    int const me = shim::linear_thread();
    for (int i = 0; i < Items; ++i) pairs_[me * Items + i] = {keys[i], values[i]};
    __syncthreads();
    if (me == 0)
      std::stable_sort(&pairs_[0], &pairs_[0] + Threads * Items,
                       [](pair const& a, pair const& b) { return shim::radix_key(a.key) > shim::radix_key(b.key); });
    __syncthreads();
    for (int i = 0; i < Items; ++i) {
      keys[i] = pairs_[i * Threads + me].key;
      values[i] = pairs_[i * Threads + me].value;
    }
  }

 private:
  TempStorage& pairs_;
};

}  // namespace cub
