// Folders that vanish with their test, files of given bytes, and what an error says.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "support/catch.hpp"

namespace amq_test {

class scratch_folder {
 public:
  scratch_folder() {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("amq-test-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  scratch_folder(scratch_folder const&) = delete;
  scratch_folder& operator=(scratch_folder const&) = delete;
  ~scratch_folder() { std::filesystem::remove_all(path_); }

  std::filesystem::path const& path() const { return path_; }

  std::filesystem::path write(std::string const& name, std::string const& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }

  /// Names of all files, sorted, with blanks between.
  std::string listing() const {
    std::vector<std::string> names;
    for (auto const& entry : std::filesystem::directory_iterator(path_))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    std::string all;
    for (auto const& name : names) all += (all.empty() ? "" : " ") + name;
    return all;
  }

 private:
  std::filesystem::path path_;
};

inline std::string read_bytes(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The bytes of a number, lowest first.
template <class T>
std::string bytes_of(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

/// A safetensors file with this header and data.
inline std::string safetensors_bytes(std::string const& header, std::string const& data) {
  return bytes_of(static_cast<std::uint64_t>(header.size())) + header + data;
}

/// What the input_error says that `action` throws, having checked that it is short enough for a terminal.
template <class Error = amq::input_error, class Action>
std::string refusal(Action const& action) {
  try {
    action();
  } catch (Error const& failure) {
    std::string const message = failure.what();
    CHECK(message.size() <= 600);
    CHECK(std::count(message.begin(), message.end(), '\n') <= 2);
    return message;
  }
  return "(nothing was refused)";
}

/// Empty when the message has all the pieces; else the first that it lacks and the message.
inline std::string lacks(std::string const& message, std::initializer_list<std::string> pieces) {
  for (auto const& piece : pieces)
    if (message.find(piece) == std::string::npos) return "no \"" + piece + "\" in: " + message;
  return "";
}

}  // namespace amq_test
