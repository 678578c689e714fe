// The way of every exporter that writes one safetensors file: layers one after the other, then everything else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/quantized_model.hpp"
#include "amq/io/packed_model_writer.hpp"
#include "amq/io/safetensors_stream.hpp"
#include "amq/quantize/refit.hpp"
#include "amq/space/target.hpp"
#include "amq/space/target_check.hpp"

namespace amq::detail {

/// One layer's tensors on their way to the file.
class layer_output {
 public:
  layer_output(safetensors_stream& file, std::string name) : file_(file), name_(std::move(name)) {}

  std::string const& name() const { return name_; }

  template <class T>
  void put(char const* part, dtype type, std::vector<index> const& shape, std::span<T const> items) {
    file_.write<T>(name_ + part, type, shape, items);
  }
  template <class T>
  void put(char const* part, dtype type, matrix<T> const& items) {
    put<T>(part, type, {items.rows(), items.cols()}, {items.data(), static_cast<std::size_t>(items.size())});
  }

  /// The layer as it is, in 16 bits.
  void put_kept(matrix<float> const& values) {
    file_.write_rounded(
        {name_ + ".weight", dense_dtype(values, dense_storage::sixteen_bits), {values.rows(), values.cols()}},
        {values.data(), static_cast<std::size_t>(values.size())});
  }

 private:
  safetensors_stream& file_;
  std::string name_;
};

/// Everything that is no linear layer: as in the source, or what the quantizer put in its place, in the source's dtype.
template <class Model>
void write_others(Model const& model, quantized_source const& quantized, safetensors_stream& file) {
  for (auto const& other : model.others()) {
    auto const& tensor = model.checkpoint().tensor(other.name);
    tensor_header const header{tensor.name, tensor.type, tensor.shape};
    if (auto const values = quantized.replaced(other.name)) {
      file.write_rounded(header, *values);
    } else {
      file.write(header, tensor.bytes);
    }
  }
}

/// Writes `folder`/model.safetensors: `write_layer(index, quantized_matrix const&, layer_output&)` for each layer, then
/// the rest. Memory: one layer. Returns the bytes of all tensors.
template <class Model, class WriteLayer>
std::int64_t write_checkpoint(Model const& model, quantized_source const& quantized,
                              std::filesystem::path const& folder, safetensors_stream::texts const& metadata,
                              WriteLayer const& write_layer) {
  constexpr std::size_t tensors_a_layer = 6, longest_part = 24;
  AMQ_EXPECTS(quantized.layers() == std::ssize(model.linears()),
              "an exporter needs each of the model's " + std::to_string(model.linears().size()) +
                  " linear layers quantized, not " + std::to_string(quantized.layers()));
  std::size_t names = 0;
  for (auto const& layer : model.linears()) names += tensors_a_layer * (layer.name.size() + longest_part);
  for (auto const& other : model.others()) names += other.name.size();
  std::size_t const tensors = tensors_a_layer * model.linears().size() + model.others().size();
  safetensors_stream file(folder / "model.safetensors", safetensors_stream::header_room(tensors, names, 0));
  for (index i = 0; auto const& layer : model.linears()) {
    layer_output output(file, layer.name);
    write_layer(i, quantized.layer(i), output);
    ++i;
  }
  write_others(model, quantized, file);
  std::int64_t const bytes = file.data_bytes();
  file.commit(metadata);
  return bytes;
}

/// The codes of a layer, announced as `f`, that a format of files named `files` is to hold. Throws input_error for
/// other forms.
inline packed_matrix const& expect_codes(quantized_matrix const& layer, format f, std::string const& name,
                                         std::string const& files) {
  auto const* const packed = layer.get_if<packed_matrix>();
  if (packed == nullptr)
    throw input_error("the layer " + name + " is not stored as plain codes, which is all that " + files +
                      " holds; quantize it with rtn, hqq, gptq or awq, or export as amq or hf");
  if (!layer.input_scales().empty())
    throw input_error("the layer " + name + " has scales for its inputs, which " + files +
                      " does not hold; deploy with awq, which folds them into the layer before");
  AMQ_EXPECTS(
      packed->storage().bits == f.bits && packed->storage().group == f.group,
      "the layer " + name + " is stored as " + spelling(packed->storage()) + ", but " + spelling(f) + " was announced");
  return *packed;
}

/// The same, for files in which consecutive inputs share a scale.
inline packed_matrix const& expect_consecutive(quantized_matrix const& layer, format f, std::string const& name,
                                               std::string const& files) {
  auto const& packed = expect_codes(layer, f, name, files);
  if (!packed.column_groups().empty())
    throw input_error("the layer " + name + " has groups of inputs that are not consecutive, which " + files +
                      " does not hold; quantize with static groups, or export as gptq or amq");
  return packed;
}

/// What a format with integer zeros does to codes: keeps them, fits them again, or refuses.
class zero_fitting {
 public:
  /// `exact`: refuse what would have to be changed.
  zero_fitting(std::string files, bool exact) : files_(std::move(files)), exact_(exact) {}

  /// `weights()` gives the source's (rows, cols); it is called only when codes are fitted again.
  template <class Weights>
  packed_matrix fit(packed_matrix const& stored, std::string const& name, zero_range range, Weights const& weights) {
    if (zeros_fit(stored, range)) return stored;
    if (exact_)
      throw input_error("the layer " + name + " has zeros that " + files_ +
                        " cannot hold (it holds the integers from " + std::to_string(range.lowest) + " to " +
                        std::to_string(range.highest) +
                        "); leave --exact out to have them rounded, or export as amq, mlx or hf");
    ++refitted_;
    return refit_zeros(stored, weights(), range);
  }

  void report(std::vector<std::string>& notes) const {
    if (refitted_ == 0) return;
    notes.push_back("The zeros of " + std::to_string(refitted_) + " layers were moved to integers that " + files_ +
                    " holds and their codes fitted again, which changes the loss.");
  }

 private:
  std::string files_;
  bool exact_;
  index refitted_ = 0;
};

}  // namespace amq::detail
