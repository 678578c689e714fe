// Memory that products need for a moment: sums of parts, sums of activations, counters.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "amq/core/error.hpp"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/check.cuh"

namespace amq::cuda {

/// Belongs to one stream, on which everything that uses it has to run. Grows on demand, in the order of the stream,
/// except while a graph is recorded: `reserve_products` (gemm/reserve.cuh) first. Knows the device that was current
/// when it was made. Move-only. Never synchronises.
class product_workspace {
 public:
  /// For the current device. Throws cuda_error where there is none.
  product_workspace() {
    int device = 0, major = 0, minor = 0;
    check(cudaGetDevice(&device), "cudaGetDevice");
    check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "cudaDeviceGetAttribute");
    check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device), "cudaDeviceGetAttribute");
    check(cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount, device), "cudaDeviceGetAttribute");
    capability_ = 10 * major + minor;
  }
  /// As if the device were another: what is split and how is decided by these two numbers.
  product_workspace(int capability, int multiprocessors) : capability_(capability), multiprocessors_(multiprocessors) {}

  int capability() const { return capability_; }
  int multiprocessors() const { return multiprocessors_; }

  /// At least `count` floats, whatever is in them.
  float* floats(std::size_t count, cudaStream_t on) {
    if (count > floats_.size()) {
      expect_growth_allowed(on);
      floats_.reserve(count, on);
    }
    return floats_.data();
  }

  /// Where they lie now; another place once they have grown.
  void const* floats_place() const { return floats_.data(); }
  void const* counters_place() const { return counters_.data(); }

  /// At least `count` counters, all 0: whoever counts leaves them so.
  unsigned* counters(std::size_t count, cudaStream_t on) {
    if (count > counters_.size()) {
      expect_growth_allowed(on);
      counters_.reserve(count, on);
      check(cudaMemsetAsync(counters_.data(), 0, counters_.bytes(), on), "cudaMemsetAsync");
    }
    return counters_.data();
  }

 private:
  static void expect_growth_allowed(cudaStream_t on) {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    check(cudaStreamIsCapturing(on, &status), "cudaStreamIsCapturing");
    AMQ_EXPECTS(status == cudaStreamCaptureStatusNone,
                "the workspace of products has to grow while a graph is recorded; reserve_products for the largest "
                "product before");
  }

  int capability_ = 0;
  int multiprocessors_ = 0;
  device_buffer<float> floats_;
  device_buffer<unsigned> counters_;
};

}  // namespace amq::cuda
