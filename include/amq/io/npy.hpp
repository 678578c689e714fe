// Reader of NumPy's .npy files that hold integers.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/io/detail/npy_header.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/memory_map.hpp"

namespace amq {

/// A mapped array of integers: format versions 1 to 3, 1 to 8 bytes an item, signed or not, either byte order,
/// row-major, one or two dimensions. Throws input_error for everything else.
class npy_integers {
 public:
  explicit npy_integers(std::filesystem::path path) : mapped_(std::move(path), "a .npy file of integers") {
    auto const bytes = mapped_.bytes();
    auto const prologue =
        detail::read_npy_prologue({reinterpret_cast<char const*>(bytes.data()), bytes.size()}, this->path());
    auto const header = detail::npy_header_parser(prologue.text, this->path()).parse();
    data_ = bytes.subspan(prologue.data_offset);
    shape_ = header.shape;
    read_type(header.type);
    if (shape_.empty() || shape_.size() > 2)
      refuse("has " + std::to_string(shape_.size()) + " dimensions", "one or two");
    if (header.column_major && shape_.size() == 2)
      refuse("is stored column by column (fortran_order)", "rows; save np.ascontiguousarray(array) instead");
    check_size();
  }

  std::filesystem::path const& path() const { return mapped_.path(); }
  std::span<index const> shape() const { return shape_; }
  index size() const { return static_cast<index>(data_.size() / bytes_); }

  /// Item i in row-major order; an unsigned value above 2^63 - 1 comes out as 2^63 - 1.
  std::int64_t operator[](index i) const {
    std::uint64_t value = 0;
    std::byte const* const item = data_.data() + static_cast<std::size_t>(i) * bytes_;
    for (std::size_t b = 0; b < bytes_; ++b) {
      std::size_t const from = big_endian_ ? b : bytes_ - 1 - b;
      value = value << 8 | static_cast<std::uint64_t>(item[from]);
    }
    if (is_signed_) {
      auto const unused = static_cast<int>(64 - 8 * bytes_);
      return static_cast<std::int64_t>(value << unused) >> unused;
    }
    return static_cast<std::int64_t>(
        std::min(value, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())));
  }

 private:
  [[noreturn]] void refuse(std::string const& found, std::string const& expected) const {
    throw input_error(detail::printable_path(path()) + " " + found + "; expected " + expected);
  }

  void read_type(std::string const& type) {
    bool const known = type.size() == 3 && std::string_view("<>|=").find(type[0]) != std::string_view::npos &&
                       std::string_view("iu").find(type[1]) != std::string_view::npos &&
                       std::string_view("1248").find(type[2]) != std::string_view::npos;
    if (!known) refuse("holds items of type '" + detail::printable(type) + "'", "integers, such as '<i4' or '<u2'");
    big_endian_ = type[0] == '>';
    is_signed_ = type[1] == 'i';
    bytes_ = static_cast<std::size_t>(type[2] - '0');
  }

  void check_size() const {
    std::uint64_t left = data_.size() / bytes_;
    bool fits = data_.size() % bytes_ == 0;
    for (index const extent : shape_) {
      auto const divisor = static_cast<std::uint64_t>(extent);
      if (divisor == 0) {
        fits = fits && data_.empty();
        left = 1;
        break;
      }
      fits = fits && left % divisor == 0;
      left /= divisor;
    }
    if (!fits || left != 1)
      refuse("holds " + std::to_string(data_.size()) + " bytes of data",
             "what its shape takes, " + std::to_string(bytes_) + " bytes an item; it may be cut short");
  }

  mapped_file mapped_;
  std::vector<index> shape_;
  std::span<std::byte const> data_;
  std::size_t bytes_ = 1;
  bool is_signed_ = false;
  bool big_endian_ = false;
};

}  // namespace amq
