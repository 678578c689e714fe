// Ctrl-C (and a polite kill) as a question that long work asks between two evaluations.
#pragma once

#include <csignal>

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

}  // namespace amq::cli
