// Lines and cells of a text file, and sentences that say where something is wrong.
#pragma once

#include <charconv>
#include <cstddef>
#include <istream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"

namespace amq::detail {

/// Reads line by line; refuse() throws input_error with the place of the last line.
class text_lines {
 public:
  text_lines(std::istream& file, std::string source) : file_(file), source_(std::move(source)) {}

  bool next() {
    ++line_;
    bool const found = static_cast<bool>(std::getline(file_, text_));
    if (!found) text_.clear();
    if (!text_.empty() && text_.back() == '\r') text_.pop_back();
    return found;
  }

  std::string const& text() const { return text_; }

  /// The line's comma-separated cells, at least one; valid until the next line.
  std::vector<std::string_view> cells() const {
    std::vector<std::string_view> cells;
    for (std::string_view rest = text_;;) {
      auto const comma = rest.find(',');
      cells.push_back(rest.substr(0, comma));
      if (comma == std::string_view::npos) return cells;
      rest.remove_prefix(comma + 1);
    }
  }

  template <class Number>
  Number number(std::string_view cell) const {
    Number value{};
    auto const [end, failure] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (failure != std::errc{} || end != cell.data() + cell.size())
      refuse("'" + std::string(cell.substr(0, 40)) + "' is not a number that fits here");
    return value;
  }

  [[noreturn]] void refuse(std::string const& what) const {
    throw input_error(source_ + ", line " + std::to_string(line_) + ": " + what);
  }

 private:
  std::istream& file_;
  std::string source_;
  std::string text_;
  std::size_t line_ = 0;
};

}  // namespace amq::detail
