// The devices of the shim's machine: what they are, what memory they gave, and what they failed with. Tests set them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "shim/errors.hpp"

namespace shim {

/// What a device says of itself. Tests may change it with `set_devices`.
struct device_facts {
  std::string name = "Host shim";
  int capability = 90;  ///< ten times major plus minor
  int multiprocessors = 4;
  std::size_t memory_bytes = std::size_t{8} << 30;
  std::size_t pinned_bytes = std::size_t{8} << 30;  ///< of the host's memory that may be pinned
  int cache_bytes = 32 << 20;
  int oldest_compiled = 80;  ///< capability below which no kernel image is there

  std::size_t most_shared_bytes() const {
    if (capability >= 90) return std::size_t{227} << 10;
    if (capability == 80 || capability == 87) return std::size_t{163} << 10;
    return std::size_t{99} << 10;
  }
};

enum class memory_kind { device, pinned };

struct allocation {
  std::size_t bytes;
  memory_kind kind;
  int device;
};

struct device_state {
  device_facts facts;
  std::size_t used_bytes = 0;
  cudaError_t broken = cudaSuccess;
  std::string sentence = {};  ///< why it is broken
};

/// One a process, as a driver is.
struct world {
  std::mutex mutex;
  std::vector<device_state> devices = std::vector<device_state>(1);
  std::map<std::uintptr_t, allocation> allocations = {};
  std::size_t pinned_bytes = 0;
  int driver = 13000;
  int runtime = 13000;
};

inline world& the_world() {
  static world one;
  return one;
}

namespace detail {
inline thread_local constinit int current_device = 0;
inline thread_local constinit cudaError_t last_error = cudaSuccess;

inline device_state& current_state() { return the_world().devices.at(static_cast<std::size_t>(current_device)); }

/// Keeps what cudaGetLastError answers.
inline cudaError_t told(cudaError_t code) {
  if (code != cudaSuccess && code != cudaErrorNotReady) last_error = code;
  return code;
}

/// Why nothing can be done on the current device, if so.
inline cudaError_t state() {
  auto const& devices = the_world().devices;
  if (devices.empty()) return cudaErrorNoDevice;
  return current_state().broken;
}

/// From now on the device answers every call with this error.
inline void break_device(cudaError_t code, std::string const& sentence) {
  auto& device = current_state();
  if (device.broken != cudaSuccess) return;
  device.broken = code;
  device.sentence = std::string(text_of(code).sentence) + ": " + sentence;
  std::fprintf(stderr, "CUDA shim: %s\n", sentence.c_str());
}
}  // namespace detail

/// The sentence of the fault that broke the current device; empty where it is whole.
inline std::string last_fault() { return detail::current_state().sentence; }

/// Mends the current device, which a real one allows only a new process.
inline void mend() {
  detail::current_state().broken = cudaSuccess;
  detail::current_state().sentence.clear();
  detail::last_error = cudaSuccess;
}

/// How much of the devices' and of pinned memory is not freed yet.
inline std::size_t live_allocations() {
  std::scoped_lock const lock(the_world().mutex);
  return the_world().allocations.size();
}

/// While it lives, the machine has these devices; then those from before.
class with_devices {
 public:
  with_devices(std::initializer_list<device_facts> facts) : before_(the_world().devices) {
    the_world().devices.clear();
    for (auto const& one : facts) the_world().devices.push_back({.facts = one});
    detail::current_device = 0;
  }
  ~with_devices() {
    the_world().devices = before_;
    detail::current_device = 0;
    detail::last_error = cudaSuccess;
  }
  with_devices(with_devices const&) = delete;
  with_devices& operator=(with_devices const&) = delete;

 private:
  std::vector<device_state> before_;
};

}  // namespace shim

inline cudaError_t cudaGetLastError() {
  auto const code = shim::detail::state();
  auto const last = std::exchange(shim::detail::last_error, cudaSuccess);
  return code != cudaSuccess ? code : last;
}
inline cudaError_t cudaPeekAtLastError() {
  auto const code = shim::detail::state();
  return code != cudaSuccess ? code : shim::detail::last_error;
}
/// With the fault's own sentence where the current device is broken.
inline char const* cudaGetErrorString(cudaError_t code) {
  auto const& devices = shim::the_world().devices;
  if (!devices.empty() && code != cudaSuccess && shim::detail::current_state().broken == code)
    return shim::detail::current_state().sentence.c_str();
  return shim::text_of(code).sentence;
}
