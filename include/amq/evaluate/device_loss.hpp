// Which losses a device measures.
#pragma once

#include <type_traits>

#include "amq/cuda/device.hpp"
#include "amq/evaluate/loss.hpp"

namespace amq {

/// The loss of that type, as devices know it.
template <class Loss>
constexpr cuda::device_loss device_loss_of() {
  if constexpr (std::is_same_v<Loss, jsd>) {
    return cuda::device_loss::jsd;
  } else if constexpr (std::is_same_v<Loss, kl>) {
    return cuda::device_loss::kl;
  } else {
    static_assert(std::is_same_v<Loss, cross_entropy>,
                  "amq: a cuda_executor measures the losses jsd, kl and cross_entropy; measure others on the host");
    return cuda::device_loss::cross_entropy;
  }
}

}  // namespace amq
