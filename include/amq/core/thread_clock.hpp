// The processor time of the calling thread: what work took on a machine that is busy with other things as well.
#pragma once

#include <time.h>

#include <chrono>

namespace amq {

/// A clock of the standard library's kind. Only for work of one thread; waiting does not count.
struct thread_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<thread_clock>;
  static constexpr bool is_steady = true;

  static time_point now() {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return time_point(std::chrono::seconds(t.tv_sec) + duration(t.tv_nsec));
  }
};

}  // namespace amq
