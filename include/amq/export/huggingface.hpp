// Writes a model folder that transformers loads: the source's tensors and files, linear layers replaced.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "amq/concepts/causal_model.hpp"
#include "amq/export/companions.hpp"
#include "amq/io/safetensors_writer.hpp"

namespace amq {

/// Writes into an existing, empty folder: the checkpoint's files with the same names, tensors, order and dtypes, each
/// linear layer being `replacement(layer)`, a (rows, cols) f32 matrix rounded to the dtype of its source. Memory: one
/// layer. Returns the bytes of the weight files. Throws input_error when the disk refuses or a value does not fit.
template <class Model, class Replacement>
std::int64_t write_huggingface(Model const& model, std::filesystem::path const& folder,
                               Replacement const& replacement) {
  std::map<std::string, index> layers;
  for (index i = 0; auto const& linear : model.linears()) layers[linear.name + ".weight"] = i++;

  detail::copy_companions(model.checkpoint().folder(), folder);
  std::int64_t bytes = 0;
  for (auto const& file : model.checkpoint().files()) {
    std::vector<tensor_header> headers;
    for (auto const& tensor : file.tensors()) headers.push_back({tensor.name, tensor.type, tensor.shape});
    auto const target = folder / file.path().filename();
    safetensors_writer writer(target, std::move(headers), file.metadata());
    for (auto const& tensor : file.tensors()) {
      auto const layer = layers.find(tensor.name);
      if (layer == layers.end()) {
        writer.write(tensor.bytes);
      } else {
        matrix<float> const weights = replacement(layer->second);
        writer.write(std::span<float const>(weights.data(), static_cast<std::size_t>(weights.size())));
      }
    }
    writer.commit();
    bytes += static_cast<std::int64_t>(std::filesystem::file_size(target));
  }
  return bytes;
}

}  // namespace amq
