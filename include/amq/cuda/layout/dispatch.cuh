// From a width and a group known at run time to kernels compiled for them.
#pragma once

#include <utility>

#include "amq/core/error.hpp"
#include "amq/core/tile_layout.hpp"
#include "amq/cuda/abi.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
namespace kernels {

template <int Bits, class Work>
void with_group(int group, Work&& work) {
  switch (group) {
    case 32:
      return work.template operator()<Bits, 32>();
    case 64:
      return work.template operator()<Bits, 64>();
    case 128:
      return work.template operator()<Bits, 128>();
    default:
      throw precondition_error(tile_layout::refusal(format{Bits, group}, group));
  }
}

}  // namespace kernels

/// Calls work.operator()<Bits, Group>(). Throws precondition_error, with the list of what there is, for others.
template <class Work>
void with_format(int bits, int group, Work&& work) {
  switch (bits) {
    case 2:
      return kernels::with_group<2>(group, work);
    case 3:
      return kernels::with_group<3>(group, work);
    case 4:
      return kernels::with_group<4>(group, work);
    case 5:
      return kernels::with_group<5>(group, work);
    case 6:
      return kernels::with_group<6>(group, work);
    case 8:
      return kernels::with_group<8>(group, work);
    default:
      throw precondition_error(tile_layout::refusal(format{bits, group}, group));
  }
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
