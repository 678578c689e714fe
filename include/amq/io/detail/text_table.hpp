// Comma-separated text, line by line: fields, exact numbers, and errors that say which line.
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/memory_map.hpp"

namespace amq::detail {

inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t start = 0; start <= text.size();) {
    std::size_t const end = std::min(text.find(separator, start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

inline std::string_view trimmed(std::string_view text) {
  std::size_t const first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// The whole text as a number ("inf" and "nan" are real numbers, too), whatever the locale; nothing when it is none.
template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The shortest text that reads back as the same bits.
inline std::string exact(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

/// A text file's lines without their ends, counted from 1.
class line_reader {
 public:
  /// Throws input_error as mapped_file does.
  line_reader(std::filesystem::path const& file, std::string const& expected) : mapped_(file, expected), file_(file) {
    rest_ = {reinterpret_cast<char const*>(mapped_.bytes().data()), mapped_.bytes().size()};
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
  }

  /// False at the end of the file.
  bool next() {
    if (rest_.empty()) return false;
    std::size_t const end = std::min(rest_.find('\n'), rest_.size());
    line_ = trimmed(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    ++number_;
    return true;
  }

  std::string_view line() const { return line_; }

  /// Throws input_error: "F, line 7: ...".
  [[noreturn]] void refuse(std::string const& what) const {
    throw input_error(printable_path(file_) + ", line " + std::to_string(number_) + ": " + what);
  }

  /// The field as a number, or the sentence that `column` holds something else.
  template <class Number>
  Number number(std::string_view field, std::string_view column) const {
    if (auto const value = number_of<Number>(trimmed(field))) return *value;
    refuse("'" + printable(column) + "' is '" + printable(field, 40) + "'; expected " +
           (std::integral<Number> ? "a whole number" : "a number"));
  }

 private:
  mapped_file mapped_;
  std::filesystem::path file_;
  std::string_view rest_;
  std::string_view line_;
  std::size_t number_ = 0;
};

}  // namespace amq::detail
