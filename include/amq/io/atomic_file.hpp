// A file that appears whole or not at all: written beside its target, renamed over it once everything is on disk.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "amq/core/error.hpp"
#include "amq/io/detail/printable.hpp"

namespace amq {

/// Writes to `<target>.tmp-<process>-<n>`; `commit` renames, destruction without it removes. Every failure throws
/// input_error with the operating system's reason (folder missing or unwritable, disk full).
class atomic_file {
 public:
  explicit atomic_file(std::filesystem::path target) : target_(std::move(target)) {
    for (int attempt = 0; file_ == nullptr; ++attempt) {
      beside_ = target_;
      beside_ += ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(attempt);
      file_.reset(std::fopen(beside_.c_str(), "wbxe"));
      if (file_ == nullptr && errno != EEXIST) fail("cannot be created");
    }
  }
  atomic_file(atomic_file const&) = delete;
  atomic_file& operator=(atomic_file const&) = delete;
  ~atomic_file() {
    if (committed_) return;
    file_.reset();
    std::error_code ignored;
    std::filesystem::remove(beside_, ignored);
  }

  std::filesystem::path const& target() const { return target_; }

  void write(std::span<std::byte const> bytes) {
    if (bytes.empty()) return;
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) fail("cannot be written");
  }
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

  /// Replaces bytes that were written at the front; what is written next still goes to the end.
  void overwrite_front(std::string_view text) {
    if (::fseeko(file_.get(), 0, SEEK_SET) != 0) fail("cannot be written");
    write(text);
    if (::fseeko(file_.get(), 0, SEEK_END) != 0) fail("cannot be written");
  }

  /// Flushes to the disk and renames. Nothing may be written afterwards.
  void commit() {
    if (std::fflush(file_.get()) != 0 || ::fsync(::fileno(file_.get())) != 0) fail("cannot be written");
    if (std::fclose(file_.release()) != 0) fail("cannot be written");
    if (std::rename(beside_.c_str(), target_.c_str()) != 0) fail("cannot be put in its place");
    committed_ = true;
  }

 private:
  struct close_file {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };

  [[noreturn]] void fail(std::string const& what) const {
    std::string const reason = detail::system_message(errno);
    throw input_error(detail::printable_path(target_) + " " + what + ": " + reason +
                      "; choose an existing folder with enough room that you may write to");
  }

  std::filesystem::path target_;
  std::filesystem::path beside_;
  std::unique_ptr<std::FILE, close_file> file_;
  bool committed_ = false;
};

/// A whole small file at once.
inline void write_file(std::filesystem::path const& target, std::string_view text) {
  atomic_file file(target);
  file.write(text);
  file.commit();
}

}  // namespace amq
