// Streams, events and graphs that end with their owner.
#pragma once

#include <cuda_runtime.h>

#include <memory>
#include <type_traits>

#include "amq/cuda/check.cuh"

namespace amq::cuda {
namespace detail {

struct destroy {
  void operator()(cudaStream_t held) const noexcept { cudaStreamDestroy(held); }
  void operator()(cudaEvent_t held) const noexcept { cudaEventDestroy(held); }
  void operator()(cudaGraphExec_t held) const noexcept { cudaGraphExecDestroy(held); }
};

template <class Handle>
using owned = std::unique_ptr<std::remove_pointer_t<Handle>, destroy>;

}  // namespace detail

/// A stream of the current device that waits for no other. Move-only; the destructor does not wait for its work.
class stream {
 public:
  stream() {
    cudaStream_t made = nullptr;
    check(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    held_.reset(made);
  }

  cudaStream_t get() const { return held_.get(); }
  operator cudaStream_t() const { return get(); }

  /// Waits until all work given to it is done. Throws cuda_error for failures of that work.
  void synchronize() const { check(cudaStreamSynchronize(get()), "cudaStreamSynchronize"); }

 private:
  detail::owned<cudaStream_t> held_;
};

/// A point in a stream's work. Move-only.
class event {
 public:
  explicit event(unsigned flags = cudaEventDisableTiming) {
    cudaEvent_t made = nullptr;
    check(cudaEventCreateWithFlags(&made, flags), "cudaEventCreateWithFlags");
    held_.reset(made);
  }

  cudaEvent_t get() const { return held_.get(); }
  void record(cudaStream_t on) const { check(cudaEventRecord(get(), on), "cudaEventRecord"); }
  /// What `waiting` is given from now on waits for this point.
  void hold(cudaStream_t waiting) const { check(cudaStreamWaitEvent(waiting, get(), 0), "cudaStreamWaitEvent"); }
  void synchronize() const { check(cudaEventSynchronize(get()), "cudaEventSynchronize"); }

 private:
  detail::owned<cudaEvent_t> held_;
};

/// Work that was recorded once and is started by one call. Move-only.
class graph {
 public:
  graph() = default;

  /// Records what `work` gives to `on`; nothing runs. Throws cuda_error where something cannot be recorded.
  template <class Work>
  static graph record(cudaStream_t on, Work&& work) {
    check(cudaStreamBeginCapture(on, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    cudaGraph_t recorded = nullptr;
    try {
      work();
    } catch (...) {
      if (cudaStreamEndCapture(on, &recorded) == cudaSuccess && recorded != nullptr) cudaGraphDestroy(recorded);
      cudaGetLastError();
      throw;
    }
    check(cudaStreamEndCapture(on, &recorded), "cudaStreamEndCapture");
    graph made;
    cudaGraphExec_t ready = nullptr;
    auto const code = cudaGraphInstantiate(&ready, recorded, 0);
    cudaGraphDestroy(recorded);
    check(code, "cudaGraphInstantiate");
    made.held_.reset(ready);
    return made;
  }

  explicit operator bool() const { return held_ != nullptr; }
  void launch(cudaStream_t on) const { check(cudaGraphLaunch(held_.get(), on), "cudaGraphLaunch"); }

 private:
  detail::owned<cudaGraphExec_t> held_;
};

}  // namespace amq::cuda
