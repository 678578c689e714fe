// Kernels made of a function, for tests of the shim.
#pragma once

#include <vector>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/ptx.cuh"
#include "amq/cuda/stream.cuh"
#include "support/catch.hpp"

namespace shim_test {

using amq::cuda::launch;
using amq::cuda::launch_shape;
using Catch::Matchers::Contains;
namespace ptx = amq::cuda::ptx;

/// Every thread calls `what`.
template <class What>
AMQ_CUDA_KERNEL void call(What what) {
  what();
}

template <class What>
void run(launch_shape const& shape, What what) {
  launch(shape, call<What>, what);
}

template <class T>
T* shared() {
  return reinterpret_cast<T*>(ptx::dynamic_shared());
}

/// The `count` numbers that `what(out)` writes, and no fault.
template <class T, class What>
std::vector<T> written(std::size_t count, launch_shape const& shape, What what) {
  amq::cuda::device_buffer<T> const out(count, shape.stream);
  run(shape, [what, to = out.data()] { what(to); });
  std::vector<T> values(count);
  amq::cuda::download(out.data(), std::span<T>(values), shape.stream);
  amq::cuda::check(cudaStreamSynchronize(shape.stream), "cudaStreamSynchronize");
  return values;
}

/// The sentence that a kernel fails with; empty where it does not. The device is whole again.
template <class What>
std::string failure(launch_shape const& shape, What what) {
  std::string sentence;
  run(shape, what);
  try {
    amq::cuda::check(cudaStreamSynchronize(shape.stream), "cudaStreamSynchronize");
  } catch (amq::cuda_error const& error) {
    sentence = error.what();
    CHECK(error.sticky());
  }
  shim::mend();
  return sentence;
}

}  // namespace shim_test
