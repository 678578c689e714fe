// Where evaluations run: GPUs, a thread for each, and the host's threads for what is left to the host.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/executor.hpp"
#include "amq/cuda/cuda_error.hpp"
#include "amq/cuda/device.hpp"

namespace amq {

/// Devices by `cuda::open_device`, each driven by a thread of its own. Cheap to copy; copies share devices and threads.
/// Drive it from one thread at a time.
class cuda_executor {
 public:
  /// `host` runs what the host does (quantizers that no device knows); it must outlive this. Throws precondition_error
  /// for no device or one that is none.
  template <class Host = serial_executor const>
  explicit cuda_executor(std::vector<std::shared_ptr<cuda::device>> devices, cuda::decoder_options options = {},
                         Host& host = on_this_thread)
      : devices_(std::move(devices)),
        options_(options),
        threads_(std::make_shared<thread_executor>(checked(devices_))),
        on_host_([&host](index count, std::function<void(index)> const& work) {
          host.for_each(count, [&](index i, int) { work(i); });
        }) {}

  std::size_t size() const { return devices_.size(); }
  cuda::device& device(std::size_t which) const { return *devices_[which]; }
  cuda::decoder_options const& options() const { return options_; }

  /// work(which) for the first `count` devices at once, each on its thread. When all are done, the failure of the first
  /// that failed is thrown; where there are several devices, a cuda_error says which it was.
  template <class Work>
  void for_each_device(std::size_t count, Work const& work) const {
    std::vector<std::exception_ptr> failures(count);
    threads_->for_each(static_cast<index>(count), [&](index i, int) {
      auto const which = static_cast<std::size_t>(i);
      try {
        named(which, work);
      } catch (...) {
        failures[which] = std::current_exception();
      }
    });
    for (auto const& failure : failures)
      if (failure) std::rethrow_exception(failure);
  }
  template <class Work>
  void for_each_device(Work const& work) const {
    for_each_device(size(), work);
  }

  /// work(i) for i in [0, count) on the host's threads.
  void for_each_on_host(index count, std::function<void(index)> const& work) const { on_host_(count, work); }

  /// `cuda:1`, as users number it.
  std::string name(std::size_t which) const { return "cuda:" + std::to_string(device(which).facts().number); }

 private:
  static int checked(std::vector<std::shared_ptr<cuda::device>> const& devices) {
    AMQ_EXPECTS(!devices.empty(), "a cuda_executor needs at least one device");
    for (auto const& each : devices) AMQ_EXPECTS(each != nullptr, "a cuda_executor got a device that is null");
    return static_cast<int>(devices.size());
  }

  template <class Work>
  void named(std::size_t which, Work const& work) const {
    if (size() == 1) return work(which);
    try {
      work(which);
    } catch (cuda_error const& failure) {
      throw cuda_error(name(which) + ": " + failure.what(), failure.code(), failure.sticky());
    }
  }

  std::vector<std::shared_ptr<cuda::device>> devices_;
  cuda::decoder_options options_;
  std::shared_ptr<thread_executor> threads_;
  std::function<void(index, std::function<void(index)> const&)> on_host_;
};

}  // namespace amq
