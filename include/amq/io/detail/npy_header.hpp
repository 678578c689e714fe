// The header of a .npy file: magic, version, and a Python dictionary of type, order and shape.
#pragma once

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/io/detail/printable.hpp"

namespace amq::detail {

struct npy_prologue {
  std::string_view text;    ///< the dictionary
  std::size_t data_offset;  ///< bytes before the data
};

struct npy_header {
  std::string type;  ///< as in '<i4'
  bool column_major = false;
  std::vector<index> shape;
};

inline npy_prologue read_npy_prologue(std::string_view file, std::filesystem::path const& path) {
  auto const refuse = [&](std::string const& found) {
    throw input_error(printable_path(path) + " " + found + "; expected a .npy file of format version 1, 2 or 3");
  };
  constexpr std::string_view magic = "\x93NUMPY";
  if (file.size() < magic.size() + 2 || file.substr(0, magic.size()) != magic)
    refuse("does not begin with NumPy's mark");
  int const version = static_cast<unsigned char>(file[magic.size()]);
  if (version < 1 || version > 3) refuse("has format version " + std::to_string(version));
  std::size_t const length_bytes = version == 1 ? 2 : 4;
  std::size_t const length_at = magic.size() + 2;
  if (file.size() < length_at + length_bytes) refuse("is cut short within its header");
  std::size_t length = 0;
  for (std::size_t i = length_bytes; i-- > 0;) length = length << 8 | static_cast<unsigned char>(file[length_at + i]);
  std::size_t const text_at = length_at + length_bytes;
  if (length > file.size() - text_at) refuse("is cut short within its header");
  return {file.substr(text_at, length), text_at + length};
}

/// Reads {'descr': '<i4', 'fortran_order': False, 'shape': (16, 256), }; NumPy writes nothing else for plain types.
class npy_header_parser {
 public:
  npy_header_parser(std::string_view text, std::filesystem::path const& path) : rest_(text), path_(path) {}

  npy_header parse() {
    npy_header header;
    std::set<std::string> seen;
    expect('{');
    while (!accept('}')) {
      std::string const key = quoted();
      expect(':');
      if (!seen.insert(key).second) refuse();
      if (key == "descr") {
        header.type = quoted();
      } else if (key == "fortran_order") {
        header.column_major = boolean();
      } else if (key == "shape") {
        header.shape = extents();
      } else {
        refuse();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (seen.size() != 3) refuse();
    return header;
  }

 private:
  [[noreturn]] void refuse() const {
    throw input_error(printable_path(path_) + " has a malformed .npy header near '" + printable(rest_, 30) +
                      "'; expected a plain type, fortran_order and shape");
  }

  void skip_blanks() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
  }
  bool accept(char c) {
    skip_blanks();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) refuse();
  }
  bool accept_word(std::string_view word) {
    skip_blanks();
    if (rest_.substr(0, word.size()) != word) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::string quoted() {
    char const quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    auto const end = rest_.find(quote);
    if (end == std::string_view::npos) refuse();
    std::string const text(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool boolean() {
    if (accept_word("True")) return true;
    if (!accept_word("False")) refuse();
    return false;
  }
  std::vector<index> extents() {
    std::vector<index> shape;
    expect('(');
    while (!accept(')')) {
      shape.push_back(extent());
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }
  index extent() {
    skip_blanks();
    if (rest_.empty() || std::isdigit(static_cast<unsigned char>(rest_[0])) == 0) refuse();
    index value = 0;
    while (!rest_.empty() && std::isdigit(static_cast<unsigned char>(rest_[0])) != 0) {
      if (value > (std::numeric_limits<index>::max() - 9) / 10) refuse();
      value = 10 * value + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }

  std::string_view rest_;
  std::filesystem::path const& path_;
};

}  // namespace amq::detail
