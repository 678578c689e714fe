// A file's bytes, mapped read-only into memory: nothing is read before it is touched.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "amq/core/error.hpp"
#include "amq/io/detail/printable.hpp"

namespace amq {

/// Owns the mapping of one regular, non-empty file. Move-only; the address stays the same when moved. The file must not
/// be shortened while it is mapped.
class mapped_file {
 public:
  /// O(1) whatever the size. `expected` completes the sentence of a failure ("a token file"). Throws input_error when
  /// the file is missing, unreadable, a folder, a device or empty.
  explicit mapped_file(std::filesystem::path path, std::string const& expected = "a file with content")
      : path_(std::move(path)) {
    descriptor const file{::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.number < 0) refuse("cannot be opened: " + detail::system_message(errno), expected);
    struct ::stat status = {};
    if (::fstat(file.number, &status) != 0) refuse("cannot be read: " + detail::system_message(errno), expected);
    if (S_ISDIR(status.st_mode)) refuse("is a folder", expected);
    if (!S_ISREG(status.st_mode)) refuse("is not a regular file", expected);
    if (status.st_size == 0) refuse("is empty", expected);
    size_ = static_cast<std::size_t>(status.st_size);
    void* const address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.number, 0);
    if (address == MAP_FAILED) refuse("cannot be mapped: " + detail::system_message(errno), expected);
    data_ = static_cast<std::byte const*>(address);
  }
  mapped_file(mapped_file&& other) noexcept
      : path_(std::move(other.path_)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  mapped_file& operator=(mapped_file&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~mapped_file() {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  }

  std::filesystem::path const& path() const { return path_; }
  std::span<std::byte const> bytes() const { return {data_, size_}; }

 private:
  struct descriptor {
    int number;
    ~descriptor() {
      if (number >= 0) ::close(number);
    }
  };

  [[noreturn]] void refuse(std::string const& found, std::string const& expected) const {
    throw input_error(detail::printable_path(path_) + " " + found + "; expected " + expected);
  }

  std::filesystem::path path_;
  std::byte const* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace amq
