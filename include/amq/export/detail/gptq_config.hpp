// GPTQ's quantization_config with a width for each layer: one default, and patterns for what differs.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/format.hpp"
#include "amq/export/detail/usual_format.hpp"
#include "amq/version.hpp"

namespace amq::detail {

/// Layers that some readers fuse into one, and its name there.
struct fused_name {
  std::vector<std::string> endings;
  std::string name;
};

inline std::vector<fused_name> fused_names() {
  return {{{"q_proj", "k_proj", "v_proj"}, "qkv_proj"}, {{"gate_proj", "up_proj"}, "gate_up_proj"}};
}

/// A regular expression that matches this text alone.
inline std::string escaped(std::string_view text) {
  std::string pattern;
  for (char const c : text) {
    if (std::string_view(R"(.\+*?()[]{}|^$)").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

/// Layers of one format under one pattern: a layer alone, or those that some readers fuse and the fused name.
struct layer_pattern {
  std::string pattern;
  format choice;
};

/// The fused layer that layer `i` is part of, where all of its parts share a format.
inline std::optional<fused_name> fused_with(std::span<linear_layer const> layers, std::span<format const> formats,
                                            std::size_t i, std::string& prefix) {
  for (auto const& fused : fused_names())
    for (auto const& ending : fused.endings) {
      if (!layers[i].name.ends_with("." + ending)) continue;
      prefix = layers[i].name.substr(0, layers[i].name.size() - ending.size());
      std::size_t alike = 0;
      for (std::size_t other = 0; other < layers.size(); ++other)
        for (auto const& part : fused.endings)
          if (layers[other].name == prefix + part && formats[other] == formats[i]) ++alike;
      return alike == fused.endings.size() ? std::optional(fused) : std::nullopt;
    }
  return std::nullopt;
}

/// One pattern for each layer or fused layer, in checkpoint order, each naming single and fused names.
inline std::vector<layer_pattern> layer_patterns(std::span<linear_layer const> layers,
                                                 std::span<format const> formats) {
  std::vector<layer_pattern> patterns;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    std::string prefix;
    auto const fused = fused_with(layers, formats, i, prefix);
    std::string pattern = escaped(layers[i].name) + "$";
    if (fused) {
      if (layers[i].name != prefix + fused->endings.front()) continue;
      pattern = escaped(prefix) + "(";
      for (auto const& ending : fused->endings) pattern += ending + "|";
      pattern += fused->name + ")$";
    }
    patterns.push_back({std::move(pattern), formats[i]});
  }
  return patterns;
}

/// `dynamic` as GPTQModel and vLLM read it: the first pattern that matches wins, "-:" leaves a layer in 16 bits.
inline nlohmann::ordered_json gptq_dynamic(std::span<linear_layer const> layers, std::span<format const> formats,
                                           format usual) {
  auto dynamic = nlohmann::ordered_json::object();
  for (auto const& [pattern, choice] : layer_patterns(layers, formats)) {
    if (choice.kept()) {
      dynamic["-:" + pattern] = nlohmann::ordered_json::object();
    } else if (choice != usual) {
      dynamic["+:" + pattern] = {{"bits", choice.bits}, {"group_size", choice.group}};
    }
  }
  return dynamic;
}

inline nlohmann::ordered_json gptq_config(std::span<linear_layer const> layers, std::span<format const> formats,
                                          bool symmetric, bool permuted) {
  format const usual = most_frequent(formats);
  return {{"quant_method", "gptq"},
          {"bits", usual.bits},
          {"group_size", usual.group},
          {"sym", symmetric},
          {"desc_act", permuted},
          {"static_groups", !permuted},
          {"lm_head", false},
          {"pack_dtype", "int32"},
          {"dynamic", gptq_dynamic(layers, formats, usual)},
          {"meta", {{"quantizer", {std::string("amq:") + version}}}}};
}

}  // namespace amq::detail
