// A GGUF file read back as a quantized model, so that its loss is measured as it was written.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/quantized_model.hpp"
#include "amq/export/detail/gguf_names.hpp"
#include "amq/io/gguf_file.hpp"
#include "amq/quantize/gguf_row.hpp"

namespace amq {

/// Layers are decoded one at a time, rows in the checkpoint's order. `replaced` gives the norms, biases and embeddings
/// whose values in the file are not the source's. Opening reads what is no linear layer once. Throws input_error for a
/// file that lacks a tensor of the model or has it in another shape. `Model` as for `write_gguf`; it must outlive this.
template <class Model>
class gguf_model : public quantized_source {
 public:
  gguf_model(Model const& source, std::filesystem::path file) : source_(source), file_(std::move(file)) {
    for (auto const& layer : source_.linears()) find(layer.name + ".weight", {layer.rows, layer.cols});
    for (auto const& other : source_.others()) {
      auto const& tensor = source_.checkpoint().tensor(other.name);
      auto const& stored = find(other.name, other.shape);
      bool const as_it_is = other.shape.size() > 1 && gguf_type_of(tensor.type) == stored.type;
      if (as_it_is && std::ranges::equal(tensor.bytes, stored.data)) continue;
      auto values = read(other.name, other.shape);
      std::vector<float> original(values.size());
      to_f32(tensor, original);
      if (std::memcmp(values.data(), original.data(), values.size() * sizeof(float)) != 0)
        replaced_[other.name] = std::move(values);
    }
  }

  gguf_file const& file() const { return file_; }

  index layers() const override { return std::ssize(source_.linears()); }

  quantized_matrix layer(index layer) const override {
    auto const& which = source_.linears()[static_cast<std::size_t>(layer)];
    auto const values = read(which.name + ".weight", {which.rows, which.cols});
    matrix<float> dense(which.rows, which.cols);
    std::copy(values.begin(), values.end(), dense.data());
    return dense;
  }

  std::optional<std::vector<float>> replaced(std::string const& tensor) const override {
    auto const found = replaced_.find(tensor);
    return found == replaced_.end() ? std::nullopt : std::optional(found->second);
  }

  std::vector<std::string> replaced_names() const override {
    std::vector<std::string> names;
    for (auto const& [name, values] : replaced_) names.push_back(name);
    return names;
  }

 private:
  gguf_tensor_view const& find(std::string const& name, std::vector<index> const& shape) const {
    auto const& tensor = file_.tensor(detail::gguf_name(name, source_.config().tied_head));
    if (tensor.shape != shape)
      throw input_error(detail::printable_path(file_.path()) + " has " + name + " in the shape " +
                        to_string(std::span<index const>(tensor.shape)) + "; expected " +
                        to_string(std::span<index const>(shape)) + ", as the model has it");
    return tensor;
  }

  /// A tensor's numbers in the checkpoint's order.
  std::vector<float> read(std::string const& name, std::vector<index> const& shape) const {
    auto const& tensor = find(name, shape);
    std::size_t const cols = static_cast<std::size_t>(shape.back());
    std::size_t const row_bytes = static_cast<std::size_t>(gguf_row_bytes(tensor.type, shape.back()));
    std::vector<float> stored(tensor.data.size() / row_bytes * cols);
    for (std::size_t row = 0; row < stored.size() / cols; ++row)
      decode_gguf_row(tensor.type, tensor.data.subspan(row * row_bytes, row_bytes),
                      std::span(stored).subspan(row * cols, cols));
    index const heads = detail::gguf_reordered_heads(name, source_.config());
    if (heads == 0) return stored;
    std::vector<float> ordered(stored.size());
    std::size_t const width = shape.size() == 1 ? 1 : cols;  // a bias has one number a row of its matrix
    auto const rows = static_cast<index>(stored.size() / width);
    for (index row = 0; row < rows; ++row)
      std::copy_n(stored.begin() + row * static_cast<index>(width), width,
                  ordered.begin() + detail::gguf_source_row(row, rows, heads) * static_cast<index>(width));
    return ordered;
  }

  Model const& source_;
  gguf_file file_;
  std::map<std::string, std::vector<float>> replaced_;
};

}  // namespace amq
