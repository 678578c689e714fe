// A model's configuration as llama.cpp's metadata.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "amq/core/gguf_type.hpp"
#include "amq/export/detail/gguf_names.hpp"
#include "amq/io/gguf.hpp"
#include "amq/model/config.hpp"
#include "amq/model/rope.hpp"

namespace amq::detail {

/// llama.cpp's number for files that are mostly of one type; it only prints it.
constexpr std::uint32_t gguf_file_type(gguf_type type) {
  switch (type) {
    case gguf_type::f32:
      return 0;
    case gguf_type::f16:
      return 1;
    case gguf_type::q4_0:
      return 2;
    case gguf_type::q8_0:
      return 7;
    case gguf_type::q2_k:
      return 10;
    case gguf_type::q3_k:
      return 11;
    case gguf_type::q4_k:
      return 14;
    case gguf_type::q5_k:
      return 16;
    case gguf_type::q6_k:
      return 18;
    case gguf_type::bf16:
      return 32;
  }
  return 0;
}

/// The type that most weights have; of equals, the one with the lowest number.
inline gguf_type commonest_type(std::span<gguf_tensor const> tensors) {
  std::map<gguf_type, double> weights;
  for (auto const& tensor : tensors)
    if (tensor.shape.size() == 2)
      weights[tensor.type] += static_cast<double>(tensor.shape[0]) * static_cast<double>(tensor.shape[1]);
  auto const most = std::max_element(weights.begin(), weights.end(),
                                     [](auto const& a, auto const& b) { return a.second < b.second; });
  return most == weights.end() ? gguf_type::f32 : most->first;
}

/// One number for all blocks, or one each where they were pruned to unequal widths.
inline gguf_value gguf_width(model_config const& config, index block_shape::*width) {
  if (!config.pruned()) return static_cast<std::uint32_t>(config.shape(0).*width);
  std::vector<std::int32_t> widths;
  for (auto const& shape : config.shapes) widths.push_back(static_cast<std::int32_t>(shape.*width));
  return widths;
}

/// Everything but the tokenizer, in the order of llama.cpp's own converter.
inline gguf_metadata gguf_hyperparameters(model_config const& config, std::string const& name, gguf_type commonest) {
  std::string const own = gguf_architecture(config);
  auto const number = [](index value) { return static_cast<std::uint32_t>(value); };
  return {{"general.architecture", own},
          {"general.type", std::string("model")},
          {"general.name", name},
          {own + ".block_count", number(config.blocks)},
          {own + ".context_length", number(config.max_length)},
          {own + ".embedding_length", number(config.hidden)},
          {own + ".feed_forward_length", gguf_width(config, &block_shape::intermediate)},
          {own + ".attention.head_count", gguf_width(config, &block_shape::heads)},
          {own + ".attention.head_count_kv", gguf_width(config, &block_shape::key_value_heads)},
          {own + ".rope.freq_base", static_cast<float>(config.rope.theta)},
          {own + ".attention.layer_norm_rms_epsilon", config.norm_epsilon},
          {own + ".attention.key_length", number(config.head_size)},
          {own + ".attention.value_length", number(config.head_size)},
          {own + ".vocab_size", number(config.vocabulary)},
          {own + ".rope.dimension_count", number(config.head_size)},
          {"general.quantization_version", std::uint32_t{2}},
          {"general.file_type", gguf_file_type(commonest)}};
}

/// By what llama.cpp divides each pair's frequency, (head_size / 2): Llama 3.1's scaling. Empty for plain positions.
inline std::vector<float> gguf_frequency_factors(model_config const& config) {
  std::vector<float> factors;
  if (!config.rope.llama3) return factors;
  auto plain = config.rope;
  plain.llama3 = false;
  auto const scaled = rope_frequencies(config.rope, config.head_size);
  auto const unscaled = rope_frequencies(plain, config.head_size);
  for (std::size_t i = 0; i < scaled.size(); ++i) factors.push_back(unscaled[i] / scaled[i]);
  return factors;
}

}  // namespace amq::detail
