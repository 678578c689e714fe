// Writer of safetensors files: the header first, then one tensor after the other, so that none needs to be kept.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/io/atomic_file.hpp"
#include "amq/io/tensor.hpp"

namespace amq {

/// What the header says of a tensor whose data comes later.
struct tensor_header {
  std::string name;
  dtype type = dtype::f32;
  std::vector<index> shape;

  std::int64_t bytes() const {
    std::int64_t product = item_bytes(type);
    for (index const extent : shape) product *= extent;
    return product;
  }
};

/// Writes beside the target; the file appears with `commit`. Memory: one tensor's bytes. Throws input_error where the
/// disk refuses. The "format" of the metadata is what transformers looks for.
class safetensors_writer {
 public:
  using texts = std::map<std::string, std::string>;

  safetensors_writer(std::filesystem::path target, std::vector<tensor_header> tensors,
                     texts const& metadata = {{"format", "pt"}})
      : file_(std::move(target)), tensors_(std::move(tensors)) {
    std::string header = describe(metadata).dump();
    header.append((8 - header.size() % 8) % 8, ' ');
    auto const length = static_cast<std::uint64_t>(header.size());
    file_.write(std::as_bytes(std::span(&length, 1)));
    file_.write(header);
  }

  /// The next tensor in the order of the header, as stored.
  void write(std::span<std::byte const> bytes) {
    auto const& next = expect_next();
    AMQ_EXPECTS(static_cast<std::int64_t>(bytes.size()) == next.bytes(),
                next.name + " takes " + std::to_string(next.bytes()) + " bytes, not " + std::to_string(bytes.size()));
    file_.write(bytes);
    ++written_;
  }

  /// The next tensor in the order of the header, rounded to its dtype (F32, F16, BF16). Throws input_error for a value
  /// that the dtype cannot hold.
  void write(std::span<float const> values) {
    auto const& next = expect_next();
    write(std::span<std::byte const>(from_f32(values, next.type, next.name)));
  }

  /// Throws precondition_error when a tensor of the header is still to come.
  void commit() {
    AMQ_EXPECTS(written_ == tensors_.size(), "safetensors_writer: " + std::to_string(tensors_.size() - written_) +
                                                 " tensors of the header were not written");
    file_.commit();
  }

 private:
  tensor_header const& expect_next() const {
    AMQ_EXPECTS(written_ < tensors_.size(), "safetensors_writer: every tensor of the header is written already");
    return tensors_[written_];
  }

  nlohmann::ordered_json describe(texts const& metadata) const {
    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    if (!metadata.empty()) header["__metadata__"] = metadata;
    std::int64_t end = 0;
    for (auto const& tensor : tensors_) {
      AMQ_EXPECTS(!header.contains(tensor.name), "safetensors_writer: the tensor " + tensor.name + " is given twice");
      std::int64_t const begin = std::exchange(end, end + tensor.bytes());
      header[tensor.name] = {
          {"dtype", to_string(tensor.type)}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
    }
    return header;
  }

  atomic_file file_;
  std::vector<tensor_header> tensors_;
  std::size_t written_ = 0;
};

/// Tensors whose bytes are at hand, in the order given.
inline void write_safetensors(std::filesystem::path const& target, std::span<tensor_view const> tensors,
                              safetensors_writer::texts const& metadata = {{"format", "pt"}}) {
  std::vector<tensor_header> headers;
  for (auto const& tensor : tensors) headers.push_back({tensor.name, tensor.type, tensor.shape});
  safetensors_writer writer(target, std::move(headers), metadata);
  for (auto const& tensor : tensors) writer.write(tensor.bytes);
  writer.commit();
}

}  // namespace amq
