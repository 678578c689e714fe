// Streams, events and graphs. Work that a stream is given runs at once, or is kept where the stream is recorded.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "shim/world.hpp"

namespace shim {

using work = std::function<void()>;

/// What a recording keeps: work in the order in which it came.
struct recording {
  std::vector<work> steps = {};
  bool valid = true;
};

}  // namespace shim

struct CUgraph_st {
  std::vector<shim::work> steps;
};
struct CUgraphExec_st {
  std::vector<shim::work> steps;
};
struct CUstream_st {
  int device = 0;
  std::shared_ptr<shim::recording> recorded_in = {};
  bool records = false;  ///< it is where the recording was begun
};
struct CUevent_st {
  int device = 0;
  unsigned flags = 0;
  bool recorded = false;
  std::chrono::steady_clock::time_point at = {};
  std::shared_ptr<shim::recording> recorded_in = {};
};
using cudaGraph_t = CUgraph_st*;
using cudaGraphExec_t = CUgraphExec_st*;
using cudaStream_t = CUstream_st*;
using cudaEvent_t = CUevent_st*;

namespace shim {
namespace detail {

inline CUstream_st& stream_of(cudaStream_t on) {
  static thread_local CUstream_st standard;
  if (on != nullptr) return *on;
  standard.device = current_device;
  return standard;
}

inline bool is_recorded(CUstream_st const& on) { return on.recorded_in != nullptr; }

/// For what a recording cannot hold: spoils it.
inline cudaError_t refuse_recording(cudaStream_t on) {
  auto& stream = stream_of(on);
  if (!is_recorded(stream)) return cudaSuccess;
  stream.recorded_in->valid = false;
  return cudaErrorStreamCaptureUnsupported;
}

/// Does work now; what it throws breaks the device.
inline void run(work const& step) {
  try {
    step();
  } catch (fault const& what) {
    break_device(what.code, what.what());
  } catch (std::exception const& what) {
    break_device(cudaErrorLaunchFailure, what.what());
  }
}

}  // namespace detail

/// Gives a stream work. As on a device, what the work fails with is told by the calls after this one.
inline cudaError_t enqueue(cudaStream_t on, work step) {
  using namespace detail;
  if (auto const code = state(); code != cudaSuccess) return told(code);
  auto& stream = stream_of(on);
  if (stream.device != current_device) return told(cudaErrorInvalidResourceHandle);
  if (is_recorded(stream))
    stream.recorded_in->steps.push_back(std::move(step));
  else
    detail::run(step);
  return cudaSuccess;
}

}  // namespace shim

enum cudaStreamCaptureMode {
  cudaStreamCaptureModeGlobal = 0,
  cudaStreamCaptureModeThreadLocal = 1,
  cudaStreamCaptureModeRelaxed = 2
};
enum cudaStreamCaptureStatus {
  cudaStreamCaptureStatusNone = 0,
  cudaStreamCaptureStatusActive = 1,
  cudaStreamCaptureStatusInvalidated = 2
};
inline constexpr unsigned cudaStreamDefault = 0, cudaStreamNonBlocking = 1;
inline constexpr unsigned cudaEventDefault = 0, cudaEventBlockingSync = 1, cudaEventDisableTiming = 2;

inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* made, unsigned) {
  if (auto const code = shim::detail::state(); code != cudaSuccess) return shim::detail::told(code);
  *made = new CUstream_st{.device = shim::detail::current_device};
  return cudaSuccess;
}
inline cudaError_t cudaStreamCreate(cudaStream_t* made) { return cudaStreamCreateWithFlags(made, 0); }
inline cudaError_t cudaStreamDestroy(cudaStream_t held) {
  delete held;
  return shim::detail::state();
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t on) {
  if (auto const code = shim::detail::refuse_recording(on); code != cudaSuccess) return shim::detail::told(code);
  return shim::detail::told(shim::detail::state());
}
inline cudaError_t cudaStreamQuery(cudaStream_t on) { return cudaStreamSynchronize(on); }
inline cudaError_t cudaDeviceSynchronize() { return shim::detail::told(shim::detail::state()); }
template <class Data>
cudaError_t cudaLaunchHostFunc(cudaStream_t on, void (*call)(void*), Data* data) {
  return shim::enqueue(on, [=] { call(data); });
}

inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* made, unsigned flags) {
  if (auto const code = shim::detail::state(); code != cudaSuccess) return shim::detail::told(code);
  *made = new CUevent_st{.device = shim::detail::current_device, .flags = flags};
  return cudaSuccess;
}
inline cudaError_t cudaEventCreate(cudaEvent_t* made) { return cudaEventCreateWithFlags(made, cudaEventDefault); }
inline cudaError_t cudaEventDestroy(cudaEvent_t held) {
  delete held;
  return shim::detail::state();
}
inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t on = nullptr) {
  auto const& stream = shim::detail::stream_of(on);
  if (stream.device != event->device) return shim::detail::told(cudaErrorInvalidResourceHandle);
  event->recorded_in = stream.recorded_in;
  if (event->recorded_in != nullptr) return shim::detail::told(shim::detail::state());  // it orders the graph's work
  return shim::enqueue(on, [event] {
    event->recorded = true;
    event->at = std::chrono::steady_clock::now();
  });
}
/// A stream that waits for a point of a recording is recorded there too.
inline cudaError_t cudaStreamWaitEvent(cudaStream_t on, cudaEvent_t event, unsigned = 0) {
  if (event->recorded_in != nullptr) shim::detail::stream_of(on).recorded_in = event->recorded_in;
  return shim::detail::told(shim::detail::state());
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t) { return shim::detail::told(shim::detail::state()); }
inline cudaError_t cudaEventQuery(cudaEvent_t) { return shim::detail::told(shim::detail::state()); }
inline cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  bool const timed = ((begin->flags | end->flags) & cudaEventDisableTiming) == 0;
  if (!timed || !begin->recorded || !end->recorded) return shim::detail::told(cudaErrorInvalidResourceHandle);
  *milliseconds = std::chrono::duration<float, std::milli>(end->at - begin->at).count();
  return shim::detail::told(shim::detail::state());
}

inline cudaError_t cudaStreamBeginCapture(cudaStream_t on, cudaStreamCaptureMode) {
  if (auto const code = shim::detail::state(); code != cudaSuccess) return shim::detail::told(code);
  if (on == nullptr || shim::detail::is_recorded(*on)) return shim::detail::told(cudaErrorStreamCaptureUnsupported);
  on->recorded_in = std::make_shared<shim::recording>();
  on->records = true;
  return cudaSuccess;
}
inline cudaError_t cudaStreamEndCapture(cudaStream_t on, cudaGraph_t* made) {
  *made = nullptr;
  if (!on->records) return shim::detail::told(cudaErrorIllegalState);
  auto const recorded = std::exchange(on->recorded_in, nullptr);
  on->records = false;
  if (!recorded->valid) return shim::detail::told(cudaErrorStreamCaptureInvalidated);
  *made = new CUgraph_st{std::move(recorded->steps)};
  return shim::detail::told(shim::detail::state());
}
inline cudaError_t cudaStreamIsCapturing(cudaStream_t on, cudaStreamCaptureStatus* status) {
  auto const& stream = shim::detail::stream_of(on);
  *status = !stream.recorded_in         ? cudaStreamCaptureStatusNone
            : stream.recorded_in->valid ? cudaStreamCaptureStatusActive
                                        : cudaStreamCaptureStatusInvalidated;
  return cudaSuccess;
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* made, cudaGraph_t graph, unsigned long long = 0) {
  if (auto const code = shim::detail::state(); code != cudaSuccess) return shim::detail::told(code);
  *made = new CUgraphExec_st{graph->steps};
  return cudaSuccess;
}
inline cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return shim::detail::told(shim::detail::state()); }
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t ready, cudaStream_t on) {
  if (auto const code = shim::detail::refuse_recording(on); code != cudaSuccess) return shim::detail::told(code);
  for (auto const& step : ready->steps) {
    auto const code = shim::enqueue(on, step);
    if (code != cudaSuccess) return code;
  }
  return cudaSuccess;
}
inline cudaError_t cudaGraphDestroy(cudaGraph_t held) {
  delete held;
  return shim::detail::state();
}
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t held) {
  delete held;
  return shim::detail::state();
}
