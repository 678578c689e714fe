// CUDA devices for the program: the one file of it that the CUDA compiler sees.
#include "amq/cuda.cuh"
#include "devices.hpp"

namespace amq::cli {

int device_count() { return cuda::device_count(); }

std::shared_ptr<cuda::device> open_device(int number) { return cuda::open_device(number); }

}  // namespace amq::cli
