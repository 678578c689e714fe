// The program's way to devices that the shim plays.
#include "cuda/support/small_device.hpp"
#include "devices.hpp"

namespace amq::cli {

int device_count() { return 1; }

std::shared_ptr<cuda::device> open_device(int number) { return cuda_test::small_device(number); }

}  // namespace amq::cli
