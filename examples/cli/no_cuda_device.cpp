// What --device cuda says in a program that was built without CUDA; cuda_device.cu stands in its place elsewhere.
#include "amq/core/error.hpp"
#include "devices.hpp"

namespace amq::cli {

int device_count() {
  throw input_error(
      "--device cuda: this program was built without CUDA; build it with cmake -DAMQ_CUDA=ON where the CUDA toolkit, "
      "12.4 or later, is installed (docs/cuda.md)");
}

std::shared_ptr<cuda::device> open_device(int) { return nullptr; }

}  // namespace amq::cli
