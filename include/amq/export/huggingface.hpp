// Writes a model folder that transformers loads: the source's tensors and files, linear layers replaced.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "amq/concepts/causal_model.hpp"
#include "amq/core/error.hpp"
#include "amq/io/safetensors_writer.hpp"

namespace amq {
namespace detail {

/// Everything a Hugging Face folder may hold beside weights: configuration, tokenizer, templates, licence. Formats of
/// weights that are not rewritten here must not be copied: they would still hold the unquantized model.
inline bool is_companion(std::filesystem::path const& file) {
  auto const extension = file.extension();
  return extension == ".json" || extension == ".txt" || extension == ".jinja" || extension == ".md" ||
         (extension == ".model" && file.stem().string().starts_with("token")) || file.stem() == "LICENSE";
}

inline void copy_companions(std::filesystem::path const& from, std::filesystem::path const& to) {
  for (auto const& found : std::filesystem::directory_iterator(from)) {
    if (!found.is_regular_file() || !is_companion(found.path())) continue;
    if (found.path().filename() == "quantization.json") continue;
    std::error_code failure;
    std::filesystem::copy_file(found.path(), to / found.path().filename(), failure);
    if (failure)
      throw input_error((to / found.path().filename()).string() + " cannot be written: " + failure.message());
  }
}

}  // namespace detail

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
