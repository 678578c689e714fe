// When a search has done enough: policies for search_options::stop_when.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/indicate/hypervolume.hpp"
#include "amq/search/progress.hpp"

namespace amq {

/// Enough evaluations are in the archive, whatever the budget.
struct stop_after_evaluations {
  index evaluations = 0;

  bool operator()(search_progress const& progress) const { return progress.measured >= evaluations; }
};

/// So many seconds of wall time have passed since this object was made.
template <class Clock = std::chrono::steady_clock>
class stop_after_seconds {
 public:
  explicit stop_after_seconds(double seconds) : seconds_(seconds), start_(Clock::now()) {}

  bool operator()(search_progress const&) const {
    return std::chrono::duration<double>(Clock::now() - start_).count() >= seconds_;
  }

 private:
  double seconds_;
  typename Clock::time_point start_;
};
stop_after_seconds(double) -> stop_after_seconds<>;

/// A configuration of at most so many average bits has at most this loss.
struct stop_at_loss {
  double loss = 0;          ///< nats a position
  double average_bits = 0;  ///< overhead included

  bool operator()(search_progress const& progress) const {
    return std::ranges::any_of(progress.evaluations, [this](evaluation const& e) {
      return e.fidelity == 1 && e.average_bits <= average_bits && e.loss <= loss;
    });
  }
};

/// The last `rounds` batches of the search phase together added at most `least_gain` to the hypervolume. Looks at the
/// archive alone, so a resumed search stops where a straight one does. O(n log n) a batch.
struct stop_without_gain {
  int rounds = 10;
  double least_gain = 0;  ///< of the normalised hypervolume
  loss_scale scale = loss_scale::raw;

  bool operator()(search_progress const& progress) const {
    AMQ_EXPECTS(rounds >= 1, "stop_without_gain needs at least one round, not " + std::to_string(rounds));
    auto const all = progress.evaluations;
    if (all.empty()) return false;
    int const first = all.back().batch - rounds + 1;  // of the batches that are looked at
    auto const recent = std::ranges::find_if(all, [first](evaluation const& e) { return e.batch >= first; });
    if (first < 0 || recent == all.begin() || recent->phase != phase::search) return false;
    auto const frame = measured_frame(all);
    if (!frame) return false;
    auto const before = all.first(static_cast<std::size_t>(recent - all.begin()));
    return normalised_hypervolume(all, *frame, scale) - normalised_hypervolume(before, *frame, scale) <= least_gain;
  }

 private:
  /// The uniform configurations have all-lowest and all-highest among them.
  static std::optional<hypervolume_frame> measured_frame(std::span<evaluation const> all) {
    evaluation const *lowest = nullptr, *highest = nullptr;
    for (auto const& e : all) {
      if (e.phase != phase::uniform) continue;
      if (!lowest || e.average_bits < lowest->average_bits) lowest = &e;
      if (!highest || e.average_bits > highest->average_bits) highest = &e;
    }
    if (!lowest || !std::isfinite(lowest->loss) || !std::isfinite(highest->loss)) return std::nullopt;
    return hypervolume_frame{lowest->average_bits, highest->average_bits, lowest->loss, highest->loss};
  }
};

/// Any of these policies says so: `stop_when_any(stop_after_seconds(3600), stop_without_gain{.rounds = 5})`.
template <class... Policies>
auto stop_when_any(Policies... policies) {
  return [kept = std::tuple(std::move(policies)...)](search_progress const& progress) {
    return std::apply([&](auto const&... each) { return (each(progress) || ...); }, kept);
  };
}

}  // namespace amq
