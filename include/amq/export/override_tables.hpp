// Widths for each layer as JSON that other quantizers and engines take: AutoRound's layer_config, vLLM's overrides.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/export/detail/gptq_config.hpp"

namespace amq {
namespace detail {

inline void expect_plain(std::span<linear_layer const> layers, std::span<format const> formats,
                         std::string const& table) {
  AMQ_EXPECTS(layers.size() == formats.size(), "an override table needs one format for each of " +
                                                   std::to_string(layers.size()) + " layers, not " +
                                                   std::to_string(formats.size()));
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (formats[i].stacked() || formats[i].kept_columns > 0)
      throw input_error("the layer " + layers[i].name + " is at " + spelling(formats[i]) + ", which " + table +
                        " cannot say; it knows plain codes and layers left alone");
}

}  // namespace detail

/// What AutoRound takes as `layer_config`: {"model.layers.0.self_attn.q_proj": {"bits": 3, "group_size": 128, "sym":
/// false, "data_type": "int"}, ...}, layers that are left alone at 16 bits. In checkpoint order. Throws input_error for
/// formats that it cannot say.
inline nlohmann::ordered_json autoround_table(std::span<linear_layer const> layers, std::span<format const> formats,
                                              bool symmetric) {
  detail::expect_plain(layers, formats, "AutoRound's table");
  auto table = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    format const f = formats[i];
    if (f.kept()) {
      table[layers[i].name] = {{"bits", 16}, {"data_type", "float"}};
    } else {
      table[layers[i].name] = {{"bits", f.bits}, {"group_size", f.group}, {"sym", symmetric}, {"data_type", "int"}};
    }
  }
  return table;
}

/// What vLLM takes as `--hf-overrides`: {"quantization_config": {"quant_method": "gptq", "bits": ..., "dynamic":
/// {...}}}, for a checkpoint in GPTQ's format whose own configuration lacks the widths. Patterns name single and fused
/// layers
/// (`qkv_proj`, `gate_up_proj`). Throws input_error for formats that it cannot say.
inline nlohmann::ordered_json vllm_table(std::span<linear_layer const> layers, std::span<format const> formats,
                                         bool symmetric) {
  detail::expect_plain(layers, formats, "vLLM's table");
  return {{"quantization_config", detail::gptq_config(layers, formats, symmetric, false)}};
}

}  // namespace amq
