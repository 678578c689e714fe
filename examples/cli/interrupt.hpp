// Ctrl-C (and a polite kill) as a question that long work asks between two pieces.
#pragma once

#include <csignal>

#include "amq/core/executor.hpp"

namespace amq::cli {

namespace detail {
inline volatile std::sig_atomic_t interrupted = 0;
}

/// From now on the first SIGINT or SIGTERM is remembered; a second one ends the program at once.
inline void catch_interrupts() {
  auto const remember = [](int signal) {
    detail::interrupted = 1;
    std::signal(signal, SIG_DFL);
  };
  std::signal(SIGINT, remember);
  std::signal(SIGTERM, remember);
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away (gnuplot, head) must not end a search
  std::signal(SIGXFSZ, SIG_IGN);  // a file over the user's limit is an error with a sentence, not a death
}

inline bool interrupt_requested() { return detail::interrupted != 0; }

/// Thrown out of work that an interrupt makes pointless; the program exits with 3.
struct interrupted {};

inline void stop_if_interrupted() {
  if (interrupt_requested()) throw interrupted{};
}

/// Threads that give work up between two pieces once an interrupt came, until `finish_pieces` says that what is begun
/// is to be finished (a search keeps the evaluation in flight).
class interruptible_executor {
 public:
  explicit interruptible_executor(int threads) : threads_(threads) {}

  int workers() const { return threads_.workers(); }
  void finish_pieces() { finishing_ = true; }

  template <class Work>
  void for_each(index count, Work&& work) {
    threads_.for_each(count, [&](index i, int worker) {
      if (!finishing_ && interrupt_requested()) throw interrupted{};
      work(i, worker);
    });
  }

 private:
  thread_executor threads_;
  bool finishing_ = false;
};

}  // namespace amq::cli
