// A folder that appears whole or not at all: filled beside its target, renamed once complete.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "amq/core/error.hpp"

namespace amq {

/// What happens to a folder that this library wrote before.
enum class existing_folder : std::uint8_t { refuse, replace };

/// Fill `path()`, then `commit()`. Destruction without commit removes what was written. A target that exists must be
/// empty; or, to be replaced, hold `mark`, the file that says this library wrote it, and nothing but files that are
/// replaced.
class staged_folder {
 public:
  staged_folder(std::filesystem::path target, std::string mark, existing_folder existing = existing_folder::refuse)
      : target_(std::move(target)), mark_(std::move(mark)), existing_(existing) {
    if (!target_.has_filename()) target_ = target_.parent_path();  // a trailing slash
    expect_replaceable();
    staging_ = target_;
    staging_ += ".tmp-" + std::to_string(::getpid());
    std::error_code failure;
    std::filesystem::remove_all(staging_, failure);
    std::filesystem::create_directories(staging_, failure);
    if (failure)
      throw input_error(target_.string() + " cannot be created: " + failure.message() +
                        "; choose a place that you may write to");
  }
  staged_folder(staged_folder const&) = delete;
  staged_folder& operator=(staged_folder const&) = delete;
  ~staged_folder() {
    std::error_code ignored;
    if (!committed_) std::filesystem::remove_all(staging_, ignored);
  }

  std::filesystem::path const& path() const { return staging_; }

  /// Puts the folder in its place; nothing may be written through `path()` afterwards.
  void commit() {
    expect_replaceable();
    expect_nothing_foreign();
    std::error_code failure;
    std::filesystem::remove_all(target_, failure);
    if (!failure) std::filesystem::rename(staging_, target_, failure);
    if (failure) throw input_error(target_.string() + " cannot be put in its place: " + failure.message());
    committed_ = true;
  }

 private:
  /// A folder is replaced by files of the same names or not at all: whatever else lies in it is somebody's.
  void expect_nothing_foreign() const {
    std::error_code ignored;
    for (std::filesystem::directory_iterator found(target_, ignored), end; found != end; found.increment(ignored))
      if (!found->is_regular_file() || !std::filesystem::exists(staging_ / found->path().filename()))
        throw input_error(target_.string() + " holds " + found->path().filename().string() +
                          ", which replacing the folder would delete; choose a new or empty output folder");
  }

  void expect_replaceable() const {
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::symlink_status(target_, ignored))) return;
    if (!std::filesystem::is_directory(target_, ignored))
      throw input_error(target_.string() + " exists and is not a folder; choose another output folder");
    if (std::filesystem::is_empty(target_, ignored)) return;
    if (!std::filesystem::exists(target_ / mark_, ignored))
      throw input_error(target_.string() + " exists and holds other files; choose a new or empty output folder");
    if (existing_ == existing_folder::refuse)
      throw input_error(target_.string() +
                        " holds a model that amq wrote before; choose another output folder, or "
                        "replace it with --force");
  }

  std::filesystem::path target_;
  std::filesystem::path staging_;
  std::string mark_;
  existing_folder existing_;
  bool committed_ = false;
};

}  // namespace amq
