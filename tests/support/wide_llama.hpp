// A random Llama of 2 blocks whose rows are 256 wide, as blocks of GGUF's K types want them, but for one matrix a
// block.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "amq/core/random.hpp"
#include "amq/io/safetensors_writer.hpp"

namespace amq_test {

/// Writes config.json and model.safetensors (F16) into `folder`, which may be new.
inline void write_wide_llama(std::filesystem::path const& folder) {
  std::filesystem::create_directories(folder);
  nlohmann::json const config{{"architectures", {"LlamaForCausalLM"}},
                              {"model_type", "llama"},
                              {"hidden_size", 256},
                              {"intermediate_size", 288},
                              {"num_hidden_layers", 2},
                              {"num_attention_heads", 8},
                              {"num_key_value_heads", 2},
                              {"vocab_size", 64},
                              {"max_position_embeddings", 64},
                              {"rms_norm_eps", 1e-5},
                              {"tie_word_embeddings", false}};
  std::ofstream(folder / "config.json") << config.dump();
  std::vector<amq::tensor_header> headers;
  auto const add = [&](std::string const& name, std::vector<amq::index> const& shape) {
    headers.push_back({name + ".weight", amq::dtype::f16, shape});
  };
  add("model.embed_tokens", {64, 256});
  for (std::string const block : {"model.layers.0.", "model.layers.1."}) {
    for (auto const* const norm : {"input_layernorm", "post_attention_layernorm"}) add(block + norm, {256});
    for (auto const* const square : {"self_attn.q_proj", "self_attn.o_proj"}) add(block + square, {256, 256});
    for (auto const* const low : {"self_attn.k_proj", "self_attn.v_proj"}) add(block + low, {64, 256});
    for (auto const* const tall : {"mlp.gate_proj", "mlp.up_proj"}) add(block + tall, {288, 256});
    add(block + "mlp.down_proj", {256, 288});
  }
  add("model.norm", {256});
  add("lm_head", {64, 256});
  amq::safetensors_writer file(folder / "model.safetensors", headers);
  amq::random_stream random(17);
  for (auto const& header : headers) {
    std::vector<float> values(static_cast<std::size_t>(header.bytes() / 2));
    for (auto& value : values)
      value = static_cast<float>(header.shape.size() == 1 ? 0.5 + random.uniform() : 0.3 * (random.uniform() - 0.5));
    file.write(std::span<float const>(values));
  }
  file.commit();
}

}  // namespace amq_test
