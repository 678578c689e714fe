// Reader of safetensors files: the header is checked in full, the data is mapped and not touched.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/json.hpp"
#include "amq/io/memory_map.hpp"
#include "amq/io/tensor.hpp"

static_assert(std::endian::native == std::endian::little,
              "amq reads and writes tensors on little-endian machines only");

namespace amq {
namespace detail {

/// The format's own limit; a longer header is a sign of a file that is not safetensors.
inline constexpr std::uint64_t safetensors_header_limit = 100'000'000;

struct tensor_range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  tensor_view tensor;
};

/// Turns one entry of the header into a tensor. Everything about a single entry is checked here.
class safetensors_entry {
 public:
  safetensors_entry(std::filesystem::path const& file, std::string const& name, nlohmann::json const& entry)
      : file_(file), name_(name), entry_(entry) {}

  tensor_range parse(std::span<std::byte const> data) const {
    if (!entry_.is_object()) refuse("is " + shown(entry_), "an object with dtype, shape and data_offsets");
    tensor_range range;
    range.tensor.name = name_;
    range.tensor.type = type();
    for (std::uint64_t const extent : numbers("shape")) {
      if (extent > static_cast<std::uint64_t>(std::numeric_limits<index>::max()))
        refuse("has an extent of " + std::to_string(extent), "a shape that fits into memory");
      range.tensor.shape.push_back(static_cast<index>(extent));
    }
    auto const offsets = numbers("data_offsets");
    if (offsets.size() != 2) refuse("has data_offsets of " + std::to_string(offsets.size()) + " numbers", "two");
    range.begin = offsets[0];
    range.end = offsets[1];
    check_range(range, data.size());
    range.tensor.bytes = data.subspan(range.begin, range.end - range.begin);
    return range;
  }

 private:
  [[noreturn]] void refuse(std::string const& found, std::string const& expected) const {
    throw input_error(printable_path(file_) + ": tensor '" + printable(name_) + "' " + found + "; expected " +
                      expected);
  }

  nlohmann::json const& member(char const* key) const {
    auto const found = entry_.find(key);
    if (found == entry_.end())
      refuse("lacks '" + std::string(key) + "'", "an object with dtype, shape and data_offsets");
    return *found;
  }

  dtype type() const {
    auto const& name = member("dtype");
    auto const known = name.is_string() ? parse_dtype(name.get<std::string>()) : std::nullopt;
    if (!known) refuse("has the unknown dtype " + shown(name), "F32, F16, BF16 or a plain integer type");
    return *known;
  }

  std::vector<std::uint64_t> numbers(char const* key) const {
    auto const& list = member(key);
    bool const fits =
        list.is_array() && std::all_of(list.begin(), list.end(), [](auto const& n) { return n.is_number_unsigned(); });
    if (!fits) refuse("has " + std::string(key) + " " + shown(list), "a list of integers that are not negative");
    return list.get<std::vector<std::uint64_t>>();
  }

  void check_range(tensor_range const& range, std::uint64_t available) const {
    std::string const offsets = std::to_string(range.begin) + " to " + std::to_string(range.end);
    if (range.begin > range.end) refuse("has misordered data_offsets, " + offsets, "the begin not after the end");
    if (range.end > available)
      refuse("lies at bytes " + offsets + " of the data",
             "an end within the " + std::to_string(available) + " bytes that the file holds; it may be cut short");
    std::uint64_t const bytes = range.end - range.begin;
    if (!holds(range.tensor, bytes))
      refuse("has " + std::to_string(bytes) + " bytes of data",
             "what its shape " + to_string(std::span<index const>(range.tensor.shape)) + " takes in " +
                 to_string(range.tensor.type));
  }

  /// Whether shape x item size is `bytes`; divides, so that nothing overflows.
  static bool holds(tensor_view const& tensor, std::uint64_t bytes) {
    if (std::find(tensor.shape.begin(), tensor.shape.end(), 0) != tensor.shape.end()) return bytes == 0;
    std::uint64_t left = bytes;
    auto const divide = [&](index by) {
      bool const even = left % static_cast<std::uint64_t>(by) == 0;
      left /= static_cast<std::uint64_t>(by);
      return even && left > 0;
    };
    return divide(item_bytes(tensor.type)) && std::all_of(tensor.shape.begin(), tensor.shape.end(), divide) &&
           left == 1;
  }

  std::filesystem::path const& file_;
  std::string const& name_;
  nlohmann::json const& entry_;
};

}  // namespace detail

/// One mapped safetensors file. Opening reads the header only: O(header), whatever the size of the data. Throws
/// input_error for anything that the format forbids: cut short, an oversized or malformed header, doubled names,
/// unknown dtypes, ranges that overlap, leave gaps, lie outside, or disagree with the shape.
class safetensors_file {
 public:
  explicit safetensors_file(std::filesystem::path path) : mapped_(std::move(path), "a safetensors file") {
    std::string_view const header = read_header();
    auto const data = mapped_.bytes().subspan(sizeof(std::uint64_t) + header.size());
    auto const parsed = parse_json(header, this->path());
    if (!parsed.is_object()) refuse("has a header that is " + detail::shown(parsed), "a JSON object");
    std::vector<detail::tensor_range> ranges;
    for (auto const& [name, entry] : parsed.items()) {
      if (name == "__metadata__") {
        read_metadata(entry);
      } else {
        ranges.push_back(detail::safetensors_entry(this->path(), name, entry).parse(data));
      }
    }
    std::stable_sort(ranges.begin(), ranges.end(), [](auto const& a, auto const& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    check_cover(ranges, data.size());
    for (auto& range : ranges) tensors_.push_back(std::move(range.tensor));
  }

  std::filesystem::path const& path() const { return mapped_.path(); }

  /// In the order of their data.
  std::span<tensor_view const> tensors() const { return tensors_; }

  /// The free texts of the header, such as {"format": "pt"}.
  std::map<std::string, std::string> const& metadata() const { return metadata_; }

 private:
  [[noreturn]] void refuse(std::string const& found, std::string const& expected) const {
    throw input_error(detail::printable_path(path()) + " " + found + "; expected " + expected);
  }

  std::string_view read_header() const {
    auto const bytes = mapped_.bytes();
    if (bytes.size() < sizeof(std::uint64_t))
      refuse("has only " + std::to_string(bytes.size()) + " bytes",
             "a safetensors file, which begins with 8 bytes of length");
    auto const length = detail::load_item<std::uint64_t>(bytes.data());
    std::uint64_t const available = bytes.size() - sizeof length;
    if (length > detail::safetensors_header_limit)
      refuse("announces a header of " + std::to_string(length) + " bytes",
             "a safetensors file, whose header has at most " + std::to_string(detail::safetensors_header_limit));
    if (length > available)
      refuse("announces a header of " + std::to_string(length) + " bytes but holds only " + std::to_string(available) +
                 " after the length",
             "the whole header; the file may be cut short");
    return {reinterpret_cast<char const*>(bytes.data()) + sizeof length, static_cast<std::size_t>(length)};
  }

  void read_metadata(nlohmann::json const& entry) {
    if (!entry.is_object()) refuse("has a __metadata__ that is " + detail::shown(entry), "an object of texts");
    for (auto const& [key, value] : entry.items()) {
      if (!value.is_string())
        refuse("has metadata '" + detail::printable(key) + "' that is " + detail::shown(value), "a text");
      metadata_[key] = value.get<std::string>();
    }
  }

  void check_cover(std::span<detail::tensor_range const> sorted, std::uint64_t available) const {
    std::uint64_t covered = 0;
    std::string previous = "the header";
    for (auto const& range : sorted) {
      std::string const name = "tensor '" + detail::printable(range.tensor.name) + "'";
      if (range.begin < covered)
        refuse("has data of " + name + " that overlaps " + previous, "each byte to belong to one tensor");
      if (range.begin > covered)
        refuse("has " + std::to_string(range.begin - covered) + " unused bytes before " + name, "data without gaps");
      covered = range.end;
      previous = name;
    }
    if (covered != available)
      refuse("has " + std::to_string(available - covered) + " bytes after the last tensor", "data without gaps");
  }

  mapped_file mapped_;
  std::vector<tensor_view> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace amq
