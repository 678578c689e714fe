// From a group size known at run time to one known to the compiler.
#pragma once

#include <type_traits>

#include "amq/cuda/abi.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
namespace quantizing {

template <int Group>
using group_size = std::integral_constant<int, Group>;

/// Calls `work` with the group_size for 32, 64 or 128; the caller has checked that it is one of them.
template <class Work>
void for_group(int group, Work&& work) {
  switch (group) {
    case 32:
      return work(group_size<32>{});
    case 64:
      return work(group_size<64>{});
    default:
      return work(group_size<128>{});
  }
}

}  // namespace quantizing
}  // namespace amq::cuda::inline AMQ_CUDA_ABI
