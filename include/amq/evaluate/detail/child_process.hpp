// A shell command as a child process that exchanges lines with its host; nothing it does harms or outlives the host.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "amq/core/error.hpp"
#include "amq/io/detail/printable.hpp"

namespace amq::detail {

/// Owns a file descriptor.
class descriptor {
 public:
  explicit descriptor(int number = -1) : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() { close(); }

  int number() const { return number_; }
  bool open() const { return number_ >= 0; }
  void close() {
    if (open()) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

/// While it lives, writing to a pipe without a reader is an error of this thread and no signal; what the rest of the
/// program does about SIGPIPE stays as it is.
class without_sigpipe {
 public:
  without_sigpipe() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  without_sigpipe(without_sigpipe const&) = delete;
  without_sigpipe& operator=(without_sigpipe const&) = delete;
  ~without_sigpipe() {
    timespec const at_once{};
    if (!was_pending_)
      while (::sigtimedwait(&pipe_, nullptr, &at_once) == -1 && errno == EINTR) {
      }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_;
};

using steady_time = std::chrono::steady_clock::time_point;

/// `seconds` from now; a duration too long for the clock is as good as for ever.
inline steady_time deadline_in(double seconds) {
  constexpr double longest = 1e9;
  return std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                                std::chrono::duration<double>(std::min(seconds, longest)));
}

/// Runs `/bin/sh -c command` in a process group of its own, so that an interrupt typed at the terminal is the host's
/// affair and the whole group can be ended. Standard error is the host's. Both pipes are pumped together: neither side
/// waits for the other, however much there is to say.
class child_process {
 public:
  static constexpr std::size_t longest_line = std::size_t{1} << 24;

  enum class event { line, ended, timed_out, too_long };
  struct received {
    event what;
    std::string line;  ///< without its end
  };

  /// Throws amq::error when the system gives no pipe or process.
  explicit child_process(std::string const& command) {
    auto [child_in, to_child] = make_pipe();
    auto [from_child, child_out] = make_pipe();
    spawn(command, child_in.number(), child_out.number());
    to_child_ = std::move(to_child);
    from_child_ = std::move(from_child);
    for (auto const* end : {&to_child_, &from_child_}) ::fcntl(end->number(), F_SETFL, O_NONBLOCK);
  }
  child_process(child_process const&) = delete;
  child_process& operator=(child_process const&) = delete;
  ~child_process() { stop(1); }

  /// Sends a line as soon as the child reads; `next_line` does the sending.
  void send(std::string_view line) { outgoing_.append(line).append("\n"); }

  /// Waits until a line is there, the output ended or the deadline passed.
  received next_line(steady_time deadline) {
    for (;;) {
      if (auto line = take_line()) return {event::line, std::move(*line)};
      if (incoming_.size() > longest_line) return {event::too_long, {}};
      if (!from_child_.open()) return {event::ended, {}};
      if (std::chrono::steady_clock::now() >= deadline) return {event::timed_out, {}};
      pump(deadline);
    }
  }

  /// Whether the child has said more than was taken.
  bool has_more() {
    if (from_child_.open()) read_some();
    return !incoming_.empty();
  }
  bool output_ended() const { return !from_child_.open(); }

  /// Closes its input, gives it `grace` seconds to end by itself, then ends all of its process group. Returns how it
  /// ended: "it ended with exit status 3".
  std::string stop(double grace) {
    if (process_ <= 0) return "it has ended";
    to_child_.close();
    auto const deadline = deadline_in(grace);
    auto const waiting = [&] { return std::chrono::steady_clock::now() < deadline; };
    for (; from_child_.open() && waiting(); incoming_.clear()) pump(deadline);
    while (!exited() && waiting()) ::poll(nullptr, 0, 5);
    bool const by_itself = exited();
    ::kill(-process_, SIGKILL);
    int status = 0;
    while (::waitpid(process_, &status, 0) == -1 && errno == EINTR) {
    }
    process_ = 0;
    from_child_.close();
    if (!by_itself) return "it was ended by amq";
    if (WIFSIGNALED(status)) return "it was killed by signal " + std::to_string(WTERMSIG(status));
    return "it ended with exit status " + std::to_string(WEXITSTATUS(status));
  }

 private:
  static std::pair<descriptor, descriptor> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw error("a pipe cannot be made: " + system_message(errno));
    return {descriptor(ends[0]), descriptor(ends[1])};
  }

  void spawn(std::string const& command, int input, int output) {
    ::posix_spawn_file_actions_t actions;
    ::posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::string shell = "sh", option = "-c", text = command;
    std::array<char*, 4> const arguments{shell.data(), option.data(), text.data(), nullptr};
    int const failure = ::posix_spawn(&process_, "/bin/sh", &actions, &attributes, arguments.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failure == 0) return;
    process_ = 0;
    throw error("'" + printable(command) + "' cannot be started: " + system_message(failure));
  }

  std::optional<std::string> take_line() {
    auto const end = incoming_.find('\n', searched_);
    if (end == std::string::npos) {
      searched_ = incoming_.size();
      return std::nullopt;
    }
    auto line = incoming_.substr(0, end);
    incoming_.erase(0, end + 1);
    searched_ = 0;
    return line;
  }

  /// Moves bytes in whichever direction is ready, after waiting for one until the deadline.
  void pump(steady_time deadline) {
    std::array<::pollfd, 2> ends{
        {{from_child_.number(), POLLIN, 0}, {outgoing_.empty() ? -1 : to_child_.number(), POLLOUT, 0}}};
    auto const left = std::chrono::duration<double, std::milli>(deadline - std::chrono::steady_clock::now()).count();
    int const ready = ::poll(ends.data(), ends.size(), static_cast<int>(std::clamp(std::ceil(left), 0.0, 1e9)));
    if (ready <= 0) return;
    if (ends[0].revents != 0) read_some();
    if (ends[1].revents != 0) write_some();
  }

  void read_some() {
    std::array<char, 65536> bytes;
    auto const got = ::read(from_child_.number(), bytes.data(), bytes.size());
    if (got > 0) incoming_.append(bytes.data(), static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) from_child_.close();
  }

  void write_some() {
    without_sigpipe const quiet;
    auto const sent = ::write(to_child_.number(), outgoing_.data(), outgoing_.size());
    if (sent > 0) outgoing_.erase(0, static_cast<std::size_t>(sent));
    if (sent >= 0 || errno == EAGAIN || errno == EINTR) return;
    to_child_.close();  // it reads no more; what it still answers is read
    outgoing_.clear();
  }

  /// Without reaping it: its process group keeps its number until `stop` has ended the group.
  bool exited() const {
    ::siginfo_t information{};
    int const asked = ::waitid(P_PID, static_cast<id_t>(process_), &information, WEXITED | WNOHANG | WNOWAIT);
    return asked != 0 || information.si_pid == process_;
  }

  ::pid_t process_ = 0;
  descriptor to_child_;
  descriptor from_child_;
  std::string outgoing_;
  std::string incoming_;
  std::size_t searched_ = 0;  ///< of incoming_, bytes known to hold no end of a line
};

}  // namespace amq::detail
