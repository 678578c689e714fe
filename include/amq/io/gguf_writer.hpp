// Writer of GGUF files (version 3): metadata and places first, then one tensor after the other.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/io/atomic_file.hpp"
#include "amq/io/gguf.hpp"
#include "amq/io/tensor.hpp"

namespace amq {
namespace detail {

/// Numbers of the kinds of values in a file.
enum class gguf_kind : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12
};

template <class T>
constexpr gguf_kind gguf_kind_of() {
  if constexpr (std::is_same_v<T, std::uint32_t>) return gguf_kind::u32;
  if constexpr (std::is_same_v<T, std::int32_t>) return gguf_kind::i32;
  if constexpr (std::is_same_v<T, float>) return gguf_kind::f32;
  if constexpr (std::is_same_v<T, bool>) return gguf_kind::boolean;
  if constexpr (std::is_same_v<T, std::string>) return gguf_kind::string;
  if constexpr (std::is_same_v<T, std::uint64_t>) return gguf_kind::u64;
  if constexpr (std::is_same_v<T, std::int64_t>) return gguf_kind::i64;
  if constexpr (std::is_same_v<T, double>) return gguf_kind::f64;
}

/// The text of a header, built field by field.
class gguf_header {
 public:
  template <class T>
    requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void put(T value) {
    std::array<char, sizeof(T)> bytes;
    std::memcpy(bytes.data(), &value, sizeof(T));
    text_.append(bytes.data(), bytes.size());
  }
  void put(std::string const& value) {
    put(static_cast<std::uint64_t>(value.size()));
    text_ += value;
  }
  template <class T>
  void put(std::vector<T> const& values) {
    put(gguf_kind_of<T>());
    put(static_cast<std::uint64_t>(values.size()));
    for (auto const& value : values) put(value);
  }
  void put_entry(std::string const& key, gguf_value const& value) {
    put(key);
    std::visit(
        [this]<class T>(T const& held) {
          if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>)
            put(gguf_kind_of<T>());
          else
            put(gguf_kind::array);
          put(held);
        },
        value);
  }
  void raw(std::string_view bytes) { text_ += bytes; }
  void align() { text_.resize(static_cast<std::size_t>(gguf_aligned(std::ssize(text_))), '\0'); }
  std::string const& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace detail

/// Writes beside the target; the file appears with `commit`. Memory: the header and one piece of a tensor. Each tensor
/// begins at a multiple of 32 bytes, so up to 31 zero bytes follow each. Throws input_error where the disk refuses.
class gguf_writer {
 public:
  gguf_writer(std::filesystem::path target, gguf_metadata const& metadata, std::vector<gguf_tensor> tensors)
      : file_(std::move(target)), tensors_(std::move(tensors)) {
    detail::gguf_header header;
    header.raw("GGUF");
    header.put(std::uint32_t{3});
    header.put(static_cast<std::uint64_t>(tensors_.size()));
    header.put(static_cast<std::uint64_t>(metadata.size()));
    for (auto const& [key, value] : metadata) header.put_entry(key, value);
    put_places(header);
    header.align();
    header_bytes_ = std::ssize(header.text());
    file_.write(header.text());
  }

  /// Bytes before the first tensor.
  std::int64_t header_bytes() const { return header_bytes_; }

  /// The next bytes of the tensor that is being written, in the order of the header; a tensor may come in pieces, each
  /// of which ends within it.
  void write(std::span<std::byte const> bytes) {
    AMQ_EXPECTS(next_ < tensors_.size(), "gguf_writer: every tensor of the header is written already");
    auto const& tensor = tensors_[next_];
    written_ += std::ssize(bytes);
    AMQ_EXPECTS(written_ <= tensor.bytes(),
                tensor.name + " takes " + std::to_string(tensor.bytes()) + " bytes, not " + std::to_string(written_));
    file_.write(bytes);
    if (written_ < tensor.bytes()) return;
    std::array<std::byte, gguf_alignment> const zeros{};
    file_.write(std::span(zeros).first(static_cast<std::size_t>(gguf_aligned(written_) - written_)));
    written_ = 0;
    ++next_;
  }

  /// Throws precondition_error when a tensor of the header is still to come.
  void commit() {
    AMQ_EXPECTS(next_ == tensors_.size(),
                "gguf_writer: " + std::to_string(tensors_.size() - next_) + " tensors of the header were not written");
    file_.commit();
  }

 private:
  void put_places(detail::gguf_header& header) const {
    std::set<std::string_view> names;
    std::int64_t place = 0;
    for (auto const& tensor : tensors_) {
      AMQ_EXPECTS(names.insert(tensor.name).second, "gguf_writer: the tensor " + tensor.name + " is given twice");
      AMQ_EXPECTS(!tensor.shape.empty() && tensor.shape.size() <= 4 && tensor.bytes() > 0 &&
                      gguf_type_fits(tensor.type, tensor.shape.back()),
                  "gguf_writer: " + tensor.name + " of shape " + to_string(std::span<index const>(tensor.shape)) +
                      " cannot be stored as " + to_string(tensor.type));
      header.put(tensor.name);
      header.put(static_cast<std::uint32_t>(tensor.shape.size()));
      for (auto extent = tensor.shape.rbegin(); extent != tensor.shape.rend(); ++extent)
        header.put(static_cast<std::uint64_t>(*extent));
      header.put(tensor.type);
      header.put(static_cast<std::uint64_t>(place));
      place += gguf_aligned(tensor.bytes());
    }
  }

  atomic_file file_;
  std::vector<gguf_tensor> tensors_;
  std::size_t next_ = 0;
  std::int64_t written_ = 0;  ///< bytes of tensor `next_`
  std::int64_t header_bytes_ = 0;
};

}  // namespace amq
