// CUDA devices for the program: the one file of it that the CUDA compiler sees.
#include "amq/cuda.cuh"
#include "devices.hpp"

namespace amq::cli {
namespace {

/// A program offers all widths and groups: products of some tokens with groups other than the usual one are dequantized
/// first, which spares two thirds of the kernels that take longest to compile.
struct program_tuning : cuda::default_tuning {
  static constexpr bool has_gemm(int, int group) { return group == 128; }
};

}  // namespace

int device_count() { return cuda::device_count(); }

std::shared_ptr<cuda::device> open_device(int number) { return cuda::open_device<program_tuning>(number); }

}  // namespace amq::cli
