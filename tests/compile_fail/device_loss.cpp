// A loss that devices measure, and what is said of another.
//
// WITHOUT_KERNEL: amq: a cuda_executor measures the losses jsd, kl and cross_entropy; measure others on the host
#include "amq/evaluate/device_loss.hpp"

struct another {};

#ifndef WITHOUT_KERNEL
using measured = amq::jsd;
#else
using measured = another;
#endif
constexpr auto loss = amq::device_loss_of<measured>();
