// Reader of GGUF files (versions 2 and 3): metadata and places are checked in full, the data is mapped and not touched.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/gguf.hpp"
#include "amq/io/gguf_writer.hpp"
#include "amq/io/memory_map.hpp"

namespace amq {
namespace detail {

/// Takes fields off the front of a file's bytes; a field that would leave them is refused.
class gguf_fields {
 public:
  gguf_fields(std::filesystem::path const& file, std::span<std::byte const> bytes) : file_(file), bytes_(bytes) {}

  std::size_t position() const { return at_; }

  [[noreturn]] void refuse(std::string const& found, std::string const& expected) const {
    throw input_error(printable_path(file_) + " " + found + " (byte " + std::to_string(at_) + "); expected " +
                      expected);
  }

  template <class T>
  T take() {
    T value;
    std::memcpy(&value, take_bytes(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string take_string() {
    auto const size = take<std::uint64_t>();
    auto const bytes = take_bytes(size);
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
  }

  gguf_value take_value() {
    auto const kind = take<std::uint32_t>();
    switch (static_cast<gguf_kind>(kind)) {
      case gguf_kind::u8:
        return std::uint32_t{take<std::uint8_t>()};
      case gguf_kind::i8:
        return std::int32_t{take<std::int8_t>()};
      case gguf_kind::u16:
        return std::uint32_t{take<std::uint16_t>()};
      case gguf_kind::i16:
        return std::int32_t{take<std::int16_t>()};
      case gguf_kind::u32:
        return take<std::uint32_t>();
      case gguf_kind::i32:
        return take<std::int32_t>();
      case gguf_kind::f32:
        return take<float>();
      case gguf_kind::boolean:
        return take<std::uint8_t>() != 0;
      case gguf_kind::string:
        return take_string();
      case gguf_kind::array:
        return take_array();
      case gguf_kind::u64:
        return take<std::uint64_t>();
      case gguf_kind::i64:
        return take<std::int64_t>();
      case gguf_kind::f64:
        return take<double>();
    }
    refuse("has a value of the unknown kind " + std::to_string(kind), "one of the kinds 0 to 12");
  }

 private:
  std::span<std::byte const> take_bytes(std::uint64_t count) {
    if (count > bytes_.size() - at_)
      refuse("ends within its header: " + std::to_string(count) + " more bytes are announced, " +
                 std::to_string(bytes_.size() - at_) + " are there",
             "a whole GGUF file");
    auto const taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }

  gguf_value take_array() {
    auto const kind = take<std::uint32_t>();
    auto const count = take<std::uint64_t>();
    switch (static_cast<gguf_kind>(kind)) {
      case gguf_kind::string: {
        std::vector<std::string> values;
        for (std::uint64_t i = 0; i < count; ++i) values.push_back(take_string());
        return values;
      }
      case gguf_kind::i32:
        return take_numbers<std::int32_t>(count);
      case gguf_kind::f32:
        return take_numbers<float>(count);
      default:
        refuse("has an array of the kind " + std::to_string(kind),
               "arrays of strings, 32-bit integers or 32-bit floats");
    }
  }

  template <class T>
  std::vector<T> take_numbers(std::uint64_t count) {
    auto const bytes = take_bytes(std::min(count, std::numeric_limits<std::uint64_t>::max() / sizeof(T)) * sizeof(T));
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

  std::filesystem::path const& file_;
  std::span<std::byte const> bytes_;
  std::size_t at_ = 0;
};

}  // namespace detail

/// Opening costs the header. Throws input_error for a file that is no GGUF, that is cut off, or that has kinds of
/// values or types of tensors that amq does not know. Move-only.
class gguf_file {
 public:
  explicit gguf_file(std::filesystem::path path) : map_(std::move(path), "a GGUF file") {
    detail::gguf_fields fields(map_.path(), map_.bytes());
    if (map_.bytes().size() < 24 || std::memcmp(map_.bytes().data(), "GGUF", 4) != 0)
      fields.refuse("does not begin with GGUF", "a GGUF file");
    fields.take<std::uint32_t>();
    auto const edition = fields.take<std::uint32_t>();
    if (edition != 2 && edition != 3) fields.refuse("is GGUF version " + std::to_string(edition), "2 or 3");
    auto const tensors = fields.take<std::uint64_t>();
    auto const entries = fields.take<std::uint64_t>();
    for (std::uint64_t i = 0; i < entries; ++i) {
      auto key = fields.take_string();
      metadata_.emplace_back(std::move(key), fields.take_value());
    }
    read_places(fields, tensors);
  }

  std::filesystem::path const& path() const { return map_.path(); }
  gguf_metadata const& metadata() const { return metadata_; }
  std::span<gguf_tensor_view const> tensors() const { return tensors_; }

  /// The value of a key, when it is there and a T; else null. O(entries).
  template <class T>
  T const* find(std::string_view key) const {
    for (auto const& [name, value] : metadata_)
      if (name == key) return std::get_if<T>(&value);
    return nullptr;
  }

  bool contains(std::string const& name) const { return positions_.count(name) > 0; }

  /// O(log tensors). Throws input_error for a name that is not there.
  gguf_tensor_view const& tensor(std::string const& name) const {
    auto const found = positions_.find(name);
    if (found == positions_.end())
      throw input_error(detail::printable_path(path()) + " lacks the tensor '" + detail::printable(name) +
                        "'; expected a file of this model");
    return tensors_[found->second];
  }

  /// Bytes before the first tensor.
  std::int64_t header_bytes() const { return header_bytes_; }

 private:
  std::int64_t alignment(detail::gguf_fields const& fields) const {
    auto const* const given = find<std::uint32_t>("general.alignment");
    if (given == nullptr) return gguf_alignment;
    if (*given == 0 || *given > (1u << 20)) fields.refuse("has the alignment " + std::to_string(*given), "up to 2^20");
    return *given;
  }

  void read_places(detail::gguf_fields& fields, std::uint64_t count) {
    std::vector<std::uint64_t> offsets;
    for (std::uint64_t i = 0; i < count; ++i) {
      tensors_.push_back(read_tensor(fields));
      offsets.push_back(fields.take<std::uint64_t>());
      if (!positions_.emplace(tensors_.back().name, tensors_.size() - 1).second)
        fields.refuse("has the tensor '" + detail::printable(tensors_.back().name) + "' twice", "each name once");
    }
    std::int64_t const unit = alignment(fields);
    header_bytes_ = (static_cast<std::int64_t>(fields.position()) + unit - 1) / unit * unit;
    auto const start = std::min(static_cast<std::size_t>(header_bytes_), map_.bytes().size());
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      auto const data = map_.bytes().subspan(start);
      auto const size = static_cast<std::uint64_t>(tensors_[i].bytes());
      if (offsets[i] > data.size() || size > data.size() - offsets[i])
        fields.refuse("is too short for its tensor '" + detail::printable(tensors_[i].name) + "'", "a whole GGUF file");
      tensors_[i].data = data.subspan(offsets[i], size);
    }
  }

  static gguf_tensor_view read_tensor(detail::gguf_fields& fields) {
    gguf_tensor_view tensor;
    tensor.name = fields.take_string();
    std::string const named = "has the tensor '" + detail::printable(tensor.name) + "' ";
    auto const extents = fields.take<std::uint32_t>();
    if (extents < 1 || extents > 4) fields.refuse(named + "of " + std::to_string(extents) + " extents", "1 to 4");
    double numbers = 1;
    for (std::uint32_t i = 0; i < extents; ++i) {
      auto const extent = fields.take<std::uint64_t>();
      numbers *= static_cast<double>(extent);
      if (extent == 0 || numbers > 1e15) fields.refuse(named + "of an impossible size", "1 to 1e15 numbers");
      tensor.shape.insert(tensor.shape.begin(), static_cast<index>(extent));
    }
    auto const number = fields.take<std::uint32_t>();
    auto const type = gguf_type_of_number(number);
    if (!type) fields.refuse(named + "of type " + std::to_string(number), "F32, F16, BF16, Q4_0, Q8_0 or Q2_K to Q6_K");
    if (!gguf_type_fits(*type, tensor.shape.back()))
      fields.refuse(named + "with rows of " + std::to_string(tensor.shape.back()),
                    std::string("whole blocks of ") + to_string(*type));
    tensor.type = *type;
    return tensor;
  }

  mapped_file map_;
  gguf_metadata metadata_;
  std::vector<gguf_tensor_view> tensors_;
  std::map<std::string, std::size_t> positions_;
  std::int64_t header_bytes_ = 0;
};

}  // namespace amq
