// From a configuration to a model folder: quantize, write, read back, measure what was written.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "amq/evaluate/bank.hpp"
#include "amq/evaluate/quality.hpp"
#include "amq/export/huggingface.hpp"
#include "amq/export/staged_folder.hpp"
#include "amq/io/configuration_file.hpp"
#include "amq/space/format_space.hpp"
#include "amq/version.hpp"

namespace amq {

/// What was written and how good it is, measured on the files read back.
struct deployment {
  double average_bits = 0;
  double linear_bytes = 0;
  std::int64_t model_bytes = 0;  ///< in the target format `amq`
  std::int64_t file_bytes = 0;   ///< of the written weight files, which hold dequantized weights
  quality calibration;
  std::optional<quality> heldout;
};

/// The tokens a deployment is measured on; `heldout` may be null.
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

/// Writes `folder` as a Hugging Face folder in the source's dtype plus `quantization.json` (the configuration, sizes,
/// how it was made: `provenance`, and what was measured). The folder appears complete or not at all. Throws input_error
/// when it exists with foreign files, cannot be written, or a layer does not quantize.
template <class Model, matrix_quantizer Quantizer, class Executor>
deployment deploy(Model const& source, format_space const& space, configuration const& genes,
                  Quantizer const& quantizer, deployment_tokens const& tokens, std::filesystem::path const& folder,
                  nlohmann::ordered_json const& provenance, Executor& executor) {
  staged_folder staged(folder, "quantization.json");
  deployment result;
  result.average_bits = space.average_bits(genes);
  result.linear_bytes = space.linear_bytes(genes);
  result.model_bytes = space.model_bytes(genes);
  result.file_bytes = write_huggingface(source, staged.path(), [&](index layer) {
    return quantized_weights(source, layer, quantizer, space.choices(layer)[genes[static_cast<std::size_t>(layer)]]);
  });
  {
    Model const written = Model::load(staged.path());
    result.calibration = compare_models(source, written, tokens.calibration, executor);
    if (tokens.heldout) result.heldout = compare_models(source, written, *tokens.heldout, executor);
  }
  layer_bits const chosen{space.choices(0)[genes[0]].group, space.bits_by_layer(genes)};
  nlohmann::ordered_json description = to_json(space.layers(), chosen);
  description["quantizer"] = quantizer.name();
  description["average_bits"] = result.average_bits;
  description["linear_bytes"] = result.linear_bytes;
  description["model_bytes"] = result.model_bytes;
  description["file_bytes"] = result.file_bytes;
  description["made_by"] = std::string("amq ") + version;
  description["made_from"] = provenance;
  description["measured"] = to_json(result.calibration);
  if (result.heldout) description["measured_heldout"] = to_json(*result.heldout);
  write_file(staged.path() / "quantization.json", description.dump(1) + "\n");
  staged.commit();
  return result;
}

}  // namespace amq
