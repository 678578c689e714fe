// A Hugging Face folder with random weights that a test may distort before it is written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/random.hpp"
#include "amq/io/safetensors_writer.hpp"
#include "support/files.hpp"

namespace amq_test {

struct random_tensor {
  std::vector<amq::index> shape;
  std::vector<float> values;
  amq::dtype type = amq::dtype::f32;
};

/// Sizes that no vector width divides; `config` is config.json.
struct random_model {
  static constexpr amq::index hidden = 20, intermediate = 34, heads = 6, groups = 2, head_size = 6, vocabulary = 23,
                              blocks = 2;

  nlohmann::json config;
  std::map<std::string, random_tensor> tensors;

  explicit random_model(std::string const& type = "llama", std::string const& name = "LlamaForCausalLM")
      : config{{"architectures", {name}},           {"model_type", type},          {"hidden_size", hidden},
               {"intermediate_size", intermediate}, {"num_hidden_layers", blocks}, {"num_attention_heads", heads},
               {"num_key_value_heads", groups},     {"head_dim", head_size},       {"vocab_size", vocabulary},
               {"max_position_embeddings", 64},     {"rms_norm_eps", 1e-5}} {
    add("model.embed_tokens.weight", {vocabulary, hidden});
    add("lm_head.weight", {vocabulary, hidden});
    add("model.norm.weight", {hidden});
    for (int b = 0; b < blocks; ++b) {
      std::string const block = "model.layers." + std::to_string(b) + ".";
      add(block + "input_layernorm.weight", {hidden});
      add(block + "post_attention_layernorm.weight", {hidden});
      add_linear(block + "self_attn.q_proj", heads * head_size, hidden);
      add_linear(block + "self_attn.k_proj", groups * head_size, hidden);
      add_linear(block + "self_attn.v_proj", groups * head_size, hidden);
      add_linear(block + "self_attn.o_proj", hidden, heads * head_size);
      add_linear(block + "mlp.gate_proj", intermediate, hidden);
      add_linear(block + "mlp.up_proj", intermediate, hidden);
      add_linear(block + "mlp.down_proj", hidden, intermediate);
      add(block + "self_attn.q_norm.weight", {head_size});
      add(block + "self_attn.k_norm.weight", {head_size});
    }
  }

  std::vector<float> const& values(std::string const& name) const { return tensors.at(name).values; }

  void write(std::filesystem::path const& folder) const {
    std::ofstream(folder / "config.json") << config.dump();
    std::vector<amq::tensor_header> headers;
    for (auto const& [name, tensor] : tensors) headers.push_back({name, tensor.type, tensor.shape});
    amq::safetensors_writer writer(folder / "model.safetensors", headers);
    for (auto const& [name, tensor] : tensors) {
      if (is_float(tensor.type)) {
        writer.write(std::span<float const>(tensor.values));
      } else {
        std::vector<std::byte> const zeros(tensor.values.size() * static_cast<std::size_t>(item_bytes(tensor.type)));
        writer.write(std::span<std::byte const>(zeros));
      }
    }
    writer.commit();
  }

 private:
  void add(std::string const& name, std::vector<amq::index> const& shape) {
    amq::index size = 1;
    for (auto const extent : shape) size *= extent;
    std::vector<float> values(static_cast<std::size_t>(size));
    for (auto& value : values) value = static_cast<float>(random_.uniform() - 0.5);
    tensors[name] = {shape, std::move(values)};
  }
  /// Every layer has a bias on file; whether it is read is for config.json to say.
  void add_linear(std::string const& name, amq::index rows, amq::index cols) {
    add(name + ".weight", {rows, cols});
    add(name + ".bias", {rows});
  }

  amq::random_stream random_{5};
};

}  // namespace amq_test
