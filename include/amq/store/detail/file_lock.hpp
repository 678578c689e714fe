// A lock that one process holds on a file at a time and that dies with it.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "amq/core/error.hpp"

namespace amq::detail {

/// Holds `<file>-lock` under flock(2), which the kernel drops when the process ends, however it ends: a lock file that
/// a killed process left behind blocks nobody. Not the file itself, because closing it would drop SQLite's own locks.
class file_lock {
 public:
  /// Throws input_error when another process has it, or when the folder cannot be written.
  explicit file_lock(std::string const& file) : path_(file + "-lock") {
    do {
      release();
      descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
      if (descriptor_ < 0)
        throw input_error(file + ": cannot be written: its lock file could not be made (" + std::strerror(errno) +
                          "); its folder must exist and be writable.");
      if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
        ::close(std::exchange(descriptor_, -1));
        throw input_error(file + ": another process is writing this archive; wait until it has ended, or stop it.");
      }
    } while (!still_there());
  }
  file_lock(file_lock&& other) noexcept
      : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  file_lock& operator=(file_lock&&) = delete;
  ~file_lock() {
    if (descriptor_ >= 0) ::unlink(path_.c_str());
    release();
  }

 private:
  /// False when the last holder removed the file between our opening and our locking it.
  bool still_there() const {
    struct stat held {};
    struct stat named {};
    return ::fstat(descriptor_, &held) == 0 && ::stat(path_.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
  }
  void release() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  std::string path_;
  int descriptor_ = -1;
};

}  // namespace amq::detail
