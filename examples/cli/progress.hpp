// Progress on standard error: a bar that redraws itself on a terminal, one line every few seconds elsewhere.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace amq::cli {

/// "1 h 02 min", "3 min 20 s", "12 s"
inline std::string duration(double seconds) {
  auto const whole = static_cast<long>(seconds + 0.5);
  char text[48];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%ld h %02ld min", whole / 3600, whole / 60 % 60);
  else if (whole >= 60)
    std::snprintf(text, sizeof text, "%ld min %02ld s", whole / 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld s", whole);
  return text;
}

/// Counts units of work and says how long the rest will take, from the pace of this run alone.
class progress {
 public:
  progress(std::string what, std::int64_t total, std::int64_t already_done = 0)
      : what_(std::move(what)), total_(total), first_(already_done), terminal_(::isatty(STDERR_FILENO) == 1) {}
  progress(progress const&) = delete;
  progress& operator=(progress const&) = delete;
  ~progress() { finish(); }

  /// True when it is time to show something; ask before working out an expensive detail.
  bool due() const {
    return clock::now() - shown_ >= (terminal_ ? std::chrono::milliseconds(100) : std::chrono::seconds(3));
  }

  void show(std::int64_t done, std::string const& detail) {
    shown_ = clock::now();
    std::string const line = text(done, detail);
    if (terminal_)
      std::fprintf(stderr, "\r\033[2K%s%s", bar(done).c_str(), line.c_str());
    else
      std::fprintf(stderr, "%s\n", line.c_str());
    drawn_ = true;
  }

  /// Leaves the bar's line, so that other text starts on its own.
  void finish() {
    if (drawn_ && terminal_) std::fputs("\n", stderr);
    drawn_ = false;
  }

 private:
  using clock = std::chrono::steady_clock;

  std::string text(std::int64_t done, std::string const& detail) const {
    std::string line = what_ + " " + std::to_string(done) + "/" + std::to_string(total_);
    double const elapsed = std::chrono::duration<double>(clock::now() - started_).count();
    if (done > first_ && done < total_) {
      double const pace = elapsed / static_cast<double>(done - first_);
      line += ", " + duration(pace * static_cast<double>(total_ - done)) + " left";
    }
    return detail.empty() ? line : line + ", " + detail;
  }

  std::string bar(std::int64_t done) const {
    constexpr std::int64_t width = 28;
    std::int64_t const full = total_ > 0 ? std::min(width, width * done / total_) : 0;
    std::string drawn = "[";
    for (std::int64_t i = 0; i < width; ++i) drawn += i < full ? '#' : '.';
    return drawn + "] ";
  }

  std::string what_;
  std::int64_t total_;
  std::int64_t first_;
  bool terminal_;
  bool drawn_ = false;
  clock::time_point started_ = clock::now();
  clock::time_point shown_ = started_ - std::chrono::hours(1);
};

}  // namespace amq::cli
