// When an archive must commit, so that a killed process loses at most ten evaluations or two seconds of them.
#pragma once

#include <algorithm>
#include <limits>

namespace amq {

/// Records come one by one and nobody wakes the archive in between: it must commit now when the wait for the next one
/// may be too long. That wait is taken as twice the longest recent one, which forgets 1 % with each record.
class commit_cadence {
 public:
  static constexpr int most_evaluations = 10;
  static constexpr double most_seconds = 2;

  /// An evaluation that took `seconds` was recorded at `now` (seconds of any steady clock). True: commit at once.
  bool record(double now, double seconds) {
    bool const first = last_ == never;
    double const wait = first ? never : std::max(seconds, now - last_);
    longest_ = first ? std::max(seconds, 0.0) : std::max(wait, 0.99 * longest_);
    last_ = now;
    if (pending_++ == 0) oldest_ = now;
    return first || pending_ >= most_evaluations || now - oldest_ + 2 * longest_ >= most_seconds;
  }

  void committed() { pending_ = 0; }

 private:
  static constexpr double never = std::numeric_limits<double>::infinity();

  int pending_ = 0;
  double oldest_ = 0;
  double last_ = never;
  double longest_ = 0;
};

}  // namespace amq
