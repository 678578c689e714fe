// Writer of a safetensors file whose tensors become known one after the other: room for the header is left in front.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/io/atomic_file.hpp"
#include "amq/io/safetensors_writer.hpp"
#include "amq/io/tensor.hpp"

namespace amq {

/// Data is written once, in the order given; `commit` fills in the header, padded with blanks, as the format allows.
/// Readers map items in place and kernels read whole vectors, so every tensor begins at a multiple of 64 bytes of the
/// file. The format allows no gaps: tensors that do not fill multiples of 64 bytes (odd shapes) are kept in memory and
/// written last, largest items first, each at a multiple of its item size. Memory: those tensors. Throws input_error
/// where the disk refuses.
class safetensors_stream {
 public:
  using texts = std::map<std::string, std::string>;

  /// `header_room`: the most bytes that the header will take; see header_room().
  safetensors_stream(std::filesystem::path target, std::size_t header_room)
      : file_(std::move(target)), room_(aligned_room(header_room)) {
    file_.write(std::string(sizeof(std::uint64_t) + room_, ' '));
  }

  /// An upper bound of the header's bytes for `tensors` tensors whose names take `name_bytes` in all.
  static std::size_t header_room(std::size_t tensors, std::size_t name_bytes, std::size_t metadata_bytes) {
    constexpr std::size_t entry = 128;  // dtype, a shape of three extents and two offsets
    return 256 + tensors * entry + name_bytes + metadata_bytes;
  }

  void write(tensor_header const& tensor, std::span<std::byte const> bytes) {
    AMQ_EXPECTS(
        static_cast<std::int64_t>(bytes.size()) == tensor.bytes(),
        tensor.name + " takes " + std::to_string(tensor.bytes()) + " bytes, not " + std::to_string(bytes.size()));
    AMQ_EXPECTS(!contains(tensor.name), "safetensors_stream: the tensor " + tensor.name + " is given twice");
    if (bytes.size() % alignment != 0) {
      kept_.push_back({tensor, {bytes.begin(), bytes.end()}});
    } else {
      append(tensor, bytes);
    }
  }

  /// Items as they lie in memory.
  template <class T>
  void write(std::string const& name, dtype type, std::vector<index> const& shape, std::span<T const> items) {
    write({name, type, shape}, std::as_bytes(items));
  }

  /// Rounded to a float dtype; throws input_error for a value that it cannot hold.
  void write_rounded(tensor_header const& tensor, std::span<float const> values) {
    write(tensor, from_f32(values, tensor.type, tensor.name));
  }

  bool contains(std::string const& name) const {
    auto const named = [&](auto const& tensor) { return tensor.name == name; };
    return entries_.contains(name) ||
           std::any_of(kept_.begin(), kept_.end(), [&](auto const& kept) { return named(kept.tensor); });
  }

  /// Bytes of all tensors so far.
  std::int64_t data_bytes() const {
    std::int64_t bytes = end_;
    for (auto const& kept : kept_) bytes += std::ssize(kept.bytes);
    return bytes;
  }

  /// Throws precondition_error when the header needs more room than was announced.
  void commit(texts const& metadata = {{"format", "pt"}}) {
    std::stable_sort(kept_.begin(), kept_.end(), [](auto const& a, auto const& b) {
      return item_bytes(a.tensor.type) > item_bytes(b.tensor.type);
    });
    for (auto const& kept : kept_) append(kept.tensor, kept.bytes);
    kept_.clear();
    nlohmann::ordered_json described = nlohmann::ordered_json::object();
    if (!metadata.empty()) described["__metadata__"] = metadata;
    for (auto& [name, entry] : entries_) described[name] = std::move(entry);
    std::string header = described.dump();
    AMQ_EXPECTS(header.size() <= room_, "safetensors_stream: the header takes " + std::to_string(header.size()) +
                                            " bytes, more than the " + std::to_string(room_) + " left for it");
    header.append(room_ - header.size(), ' ');
    auto const length = static_cast<std::uint64_t>(room_);
    auto const* const first = reinterpret_cast<char const*>(&length);
    file_.overwrite_front(std::string(first, sizeof length) + header);
    file_.commit();
  }

 private:
  static constexpr std::size_t alignment = 64;

  /// The data begins after the header's length and the header.
  static std::size_t aligned_room(std::size_t room) {
    std::size_t const begin = sizeof(std::uint64_t) + room;
    return (begin + alignment - 1) / alignment * alignment - sizeof(std::uint64_t);
  }

  struct kept_tensor {
    tensor_header tensor;
    std::vector<std::byte> bytes;
  };

  void append(tensor_header const& tensor, std::span<std::byte const> bytes) {
    std::int64_t const begin = std::exchange(end_, end_ + tensor.bytes());
    entries_[tensor.name] = {
        {"dtype", to_string(tensor.type)}, {"shape", tensor.shape}, {"data_offsets", {begin, end_}}};
    file_.write(bytes);
  }

  atomic_file file_;
  std::size_t room_;
  std::int64_t end_ = 0;
  std::map<std::string, nlohmann::ordered_json> entries_;
  std::vector<kept_tensor> kept_;
};

}  // namespace amq
