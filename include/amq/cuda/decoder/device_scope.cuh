// Which device a thread's calls go to, for as long as a scope lasts.
#pragma once

#include <cuda_runtime.h>

#include "amq/cuda/check.cuh"

namespace amq::cuda {

/// Makes `device` the calling thread's current one and gives the former back.
class device_scope {
 public:
  explicit device_scope(int device) {
    check(cudaGetDevice(&before_), "cudaGetDevice");
    check(cudaSetDevice(device), "cudaSetDevice");
  }
  device_scope(device_scope const&) = delete;
  device_scope& operator=(device_scope const&) = delete;
  ~device_scope() { cudaSetDevice(before_); }

 private:
  int before_ = 0;
};

}  // namespace amq::cuda
