// Writes a model folder that transformers loads: the source's tensors and files, linear layers replaced.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "amq/core/quantized_model.hpp"
#include "amq/export/companions.hpp"
#include "amq/io/safetensors_writer.hpp"

namespace amq {

/// Writes into an existing, empty folder: the checkpoint's files with the same names, tensors, order and dtypes.
/// Linear layers hold what `quantized` stands for, norms and biases what it put in their place, rounded to the dtypes
/// of the source. Memory: one layer. Returns the bytes of all tensors. Throws input_error when the disk refuses or a
/// value does not fit.
template <class Model>
std::int64_t write_huggingface(Model const& model, quantized_source const& quantized,
                               std::filesystem::path const& folder) {
  std::map<std::string, index> layers;
  for (index i = 0; auto const& linear : model.linears()) layers[linear.name + ".weight"] = i++;

  detail::copy_companions(model.checkpoint().folder(), folder);
  std::int64_t bytes = 0;
  for (auto const& file : model.checkpoint().files()) {
    std::vector<tensor_header> headers;
    for (auto const& tensor : file.tensors()) headers.push_back({tensor.name, tensor.type, tensor.shape});
    safetensors_writer writer(folder / file.path().filename(), std::move(headers), file.metadata());
    for (auto const& tensor : file.tensors()) {
      auto const layer = layers.find(tensor.name);
      bytes += static_cast<std::int64_t>(tensor.bytes.size());
      if (layer != layers.end()) {
        auto const weights = quantized.layer(layer->second).dequantized();
        writer.write(std::span<float const>(weights.data(), static_cast<std::size_t>(weights.size())));
      } else if (auto const values = quantized.replaced(tensor.name)) {
        writer.write(std::span<float const>(*values));
      } else {
        writer.write(tensor.bytes);
      }
    }
    writer.commit();
  }
  return bytes;
}

}  // namespace amq
