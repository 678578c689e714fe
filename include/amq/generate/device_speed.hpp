// How fast a model reads and writes on a device.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "amq/core/matrix.hpp"
#include "amq/core/statistics.hpp"
#include "amq/generate/device_passes.hpp"
#include "amq/generate/speed.hpp"

namespace amq {
namespace detail {

/// Rounds on a device, each with a sequence of its own.
class device_rounds {
 public:
  explicit device_rounds(device_passes& on) : passes_(on) {}
  device_rounds(device_rounds const&) = delete;
  device_rounds& operator=(device_rounds const&) = delete;
  ~device_rounds() { end(); }

  void start(index length) {
    end();
    sequence_ = passes_.open(length);
  }
  static unwatched watch(index) { return {}; }
  void run(std::span<std::int32_t const> tokens, unwatched) {
    pass_part const part{*sequence_, std::ssize(tokens)};
    passes_.run(std::span(&part, 1), tokens);
  }

 private:
  void end() {
    if (sequence_) passes_.close(*sequence_);
    sequence_.reset();
  }

  device_passes& passes_;
  std::optional<index> sequence_;
};

}  // namespace detail

/// Medians over the repeated passes, wall time from the tokens to their logits on the host. A pass is timed as a whole:
/// `head` is 0 and `blocks` all of it, so fewer blocks than the model's do not speak for it. Throws input_error for
/// more tokens than the model reads.
inline model_speed measure_speed(device_passes& on, speed_options const& options) {
  std::vector<double> prefill, decode;
  detail::device_rounds runs(on);
  detail::timed_rounds<std::chrono::steady_clock>(on.config(), options, runs, [&](index i, double total, unwatched) {
    (i == 0 ? prefill : decode).push_back(total);
  });
  return {options.prompt_tokens, {median(prefill), 0}, {median(decode), 0}};
}

}  // namespace amq
