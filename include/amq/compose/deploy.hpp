// From a configuration to a model folder: quantize, write, read back, measure what was written.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "amq/calibrate/sequential.hpp"
#include "amq/compose/exporter.hpp"
#include "amq/compose/quantized_quality.hpp"
#include "amq/compose/refitted_source.hpp"
#include "amq/evaluate/quality.hpp"
#include "amq/export/staged_folder.hpp"
#include "amq/io/configuration_file.hpp"
#include "amq/io/packed_model.hpp"
#include "amq/io/packed_model_writer.hpp"
#include "amq/space/format_space.hpp"
#include "amq/version.hpp"

namespace amq {

/// What was written and how good it is, measured on the files read back.
struct deployment {
  double average_bits = 0;
  double linear_bytes = 0;
  std::int64_t model_bytes = 0;   ///< as predicted for the format written (`amq` where it holds dequantized weights)
  std::int64_t weight_bytes = 0;  ///< of all tensors in the weight files
  std::int64_t file_bytes = 0;    ///< of the weight files, headers included
  quality calibration;
  std::optional<quality> heldout;
  std::vector<std::string> notes;  ///< what the user should know, one sentence each
};

/// The tokens a deployment is calibrated and measured on; `heldout` may be null.
struct deployment_tokens {
  token_sequences const& calibration;
  token_sequences const* heldout = nullptr;
};

/// `{"jsd": ..., "jsd_se": ..., ...}`: nats a position, shares and perplexities, each with its standard error.
inline nlohmann::ordered_json to_json(quality const& measured) {
  nlohmann::ordered_json object;
  auto const put = [&](std::string const& key, estimate const& figure) {
    object[key] = figure.value;
    object[key + "_se"] = figure.standard_error;  // NaN, for a single sequence, is written as null
  };
  put("jsd", measured.jsd);
  put("kl", measured.kl);
  put("kl_p99", measured.kl_p99);
  put("top1", measured.top1);
  put("perplexity", measured.perplexity);
  put("reference_perplexity", measured.reference_perplexity);
  return object;
}

/// Compares two models on tokens: `candidate` is read through its own weights. Two forward passes, a block at a time.
template <class Model, class Executor>
quality compare_models(Model const& source, Model const& candidate, token_sequences const& tokens, Executor& executor) {
  reference_model const reference(source, tokens, executor);
  auto const hidden = streamed_pass(candidate, tokens, source_layers(candidate), executor);
  return measure_quality(reference, tokens, hidden, executor);
}

/// What `deploy` does beside the configuration.
template <class Model>
struct deployment_plan {
  std::string quantizer;                               ///< its name, for quantization.json
  std::function<void(quantized_sink& sink)> quantize;  ///< puts every layer into the sink
  exporter<Model> files;
  std::filesystem::path folder;
  nlohmann::ordered_json provenance;  ///< how it was made, for quantization.json
  existing_folder existing = existing_folder::refuse;
};

namespace detail {

/// Norms and biases: what a quantizer may replace.
template <class Model>
std::vector<std::string> names_of_vectors(Model const& source) {
  std::vector<std::string> names;
  for (auto const& other : source.others())
    if (other.shape.size() == 1) names.push_back(other.name);
  return names;
}

inline std::int64_t bytes_of_weight_files(std::filesystem::path const& folder) {
  std::int64_t bytes = 0;
  for (auto const& found : std::filesystem::directory_iterator(folder)) {
    auto const extension = found.path().extension();
    if (extension == ".safetensors" || extension == ".gguf") bytes += static_cast<std::int64_t>(found.file_size());
  }
  return bytes;
}

inline nlohmann::ordered_json description(deployment const& made, std::span<linear_layer const> layers,
                                          std::span<format const> formats) {
  nlohmann::ordered_json json = to_json(layers, formats);
  json["average_bits"] = made.average_bits;
  json["linear_bytes"] = made.linear_bytes;
  json["model_bytes"] = made.model_bytes;
  json["weight_bytes"] = made.weight_bytes;
  json["file_bytes"] = made.file_bytes;
  json["made_by"] = std::string("amq ") + version;
  json["measured"] = to_json(made.calibration);
  if (made.heldout) json["measured_heldout"] = to_json(*made.heldout);
  return json;
}

/// Quality of what was written: of the folder itself where it is a whole model of 16 or 32 bits.
template <class Model, class Executor>
class written_model {
 public:
  written_model(Model const& source, exporter<Model> const& files, quantized_source const& given,
                std::filesystem::path const& folder, Executor& executor)
      : source_(source), executor_(executor), layers_(&given) {
    if (files.read_back) {
      read_ = files.read_back(source, folder);
      layers_ = read_.get();
    }
    if (!files.files) whole_.emplace(Model::load(folder));
  }

  quality measure(token_sequences const& tokens) const {
    reference_model const reference(source_, tokens, executor_);
    if (!whole_) return quantized_quality(source_, *layers_, reference, tokens, executor_);
    auto const hidden = streamed_pass(*whole_, tokens, source_layers(*whole_), executor_);
    return measure_quality(reference, tokens, hidden, executor_);
  }

 private:
  Model const& source_;
  Executor& executor_;
  quantized_source const* layers_;
  std::unique_ptr<quantized_source> read_;
  std::optional<Model> whole_;
};

}  // namespace detail

/// Quantizes into a packed file beside the target, writes `plan.folder` from it in the wanted format, with
/// `quantization.json` (the configuration, sizes, provenance, and what was measured on what was written). The folder
/// appears complete or not at all. Memory: a block, and the hidden states of the tokens. Throws input_error when the
/// folder exists and is not to be replaced, the format cannot hold the configuration, a layer does not quantize, or the
/// disk refuses.
template <class Model, class Executor>
deployment deploy(Model const& source, format_space const& space, configuration const& genes,
                  deployment_plan<Model> const& plan, deployment_tokens const& tokens, Executor& executor) {
  auto const formats = space.formats(genes);
  expect_holds(plan.files, source.linears(), formats);
  staged_folder staged(plan.folder, "quantization.json", plan.existing);
  auto const scratch = staged.path() / "layers.packed";
  deployment result;
  {
    packed_model_writer writer(scratch, source.linears(), detail::names_of_vectors(source));
    plan.quantize(writer);
    writer.commit();
    result.notes = writer.notes();
  }
  packed_model const stored(scratch);
  refitted_source<Model> const given(source, stored, plan.files.zeros);
  // Files are made from the stored codes, so that an exporter can say what it had to change; `given` is the same.
  auto const report = plan.files.write(source, stored, formats, staged.path());
  std::filesystem::remove(scratch);
  result.notes.insert(result.notes.end(), report.notes.begin(), report.notes.end());
  result.average_bits = space.average_bits(genes);
  result.linear_bytes = space.linear_bytes(genes);
  result.model_bytes = space.model_bytes(genes);
  result.weight_bytes = report.weight_bytes;
  result.file_bytes = detail::bytes_of_weight_files(staged.path());
  {
    detail::written_model const written(source, plan.files, given, staged.path(), executor);
    result.calibration = written.measure(tokens.calibration);
    if (tokens.heldout) result.heldout = written.measure(*tokens.heldout);
  }
  auto json = detail::description(result, source.linears(), formats);
  json["quantizer"] = plan.quantizer;
  json["format"] = plan.files.name;
  json["made_from"] = plan.provenance;
  write_file(staged.path() / "quantization.json", json.dump(1) + "\n");
  staged.commit();
  return result;
}

/// The same as a Hugging Face folder with dequantized weights, by a quantizer of either kind: a matrix_quantizer is
/// used block after block (`sequential`).
template <class Model, class Quantizer, class Executor>
deployment deploy(Model const& source, format_space const& space, configuration const& genes,
                  Quantizer const& quantizer, deployment_tokens const& tokens, std::filesystem::path const& folder,
                  nlohmann::ordered_json const& provenance, Executor& executor) {
  auto const formats = space.formats(genes);
  deployment_plan<Model> plan;
  plan.quantizer = quantizer.name();
  plan.quantize = [&](quantized_sink& sink) {
    if constexpr (matrix_quantizer<Quantizer>)
      sequential(quantizer).quantize(source, formats, tokens.calibration, sink, executor);
    else
      quantizer.quantize(source, formats, tokens.calibration, sink, executor);
  };
  plan.files = huggingface_exporter<Model>();
  plan.folder = folder;
  plan.provenance = provenance;
  plan.existing = existing_folder::replace;
  return deploy(source, space, genes, plan, tokens, executor);
}

}  // namespace amq
