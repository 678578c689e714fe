// Writes a model as GGUF in every type, and beside it what a reader has to find there.
#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "amq/core/random.hpp"
#include "amq/export/gguf.hpp"
#include "amq/export/gguf_model.hpp"
#include "amq/export/gguf_recipe.hpp"
#include "amq/io/safetensors_writer.hpp"
#include "amq/model/llama.hpp"

namespace {

/// A random Llama whose rows are whole blocks of 256, but for one matrix a block.
class random_llama {
 public:
  explicit random_llama(std::filesystem::path const& folder) {
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
    for (auto const* const block : {"model.layers.0.", "model.layers.1."}) {
      std::string const prefix = block;
      for (auto const* const norm : {"input_layernorm", "post_attention_layernorm"}) add(prefix + norm, {256});
      for (auto const* const wide : {"self_attn.q_proj", "self_attn.o_proj"}) add(prefix + wide, {256, 256});
      for (auto const* const narrow : {"self_attn.k_proj", "self_attn.v_proj"}) add(prefix + narrow, {64, 256});
      for (auto const* const tall : {"mlp.gate_proj", "mlp.up_proj"}) add(prefix + tall, {288, 256});
      add(prefix + "mlp.down_proj", {256, 288});
    }
    add("model.norm", {256});
    add("lm_head", {64, 256});
    amq::safetensors_writer file(folder / "model.safetensors", headers);
    for (auto const& header : headers) file.write(std::span<float const>(numbers(header)));
    file.commit();
  }

 private:
  std::vector<float> numbers(amq::tensor_header const& header) {
    std::vector<float> values(static_cast<std::size_t>(header.bytes() / 2));
    for (auto& value : values)
      value = static_cast<float>(header.shape.size() == 1 ? 0.5 + random_.uniform() : 0.3 * (random_.uniform() - 0.5));
    return values;
  }

  amq::random_stream random_{17};
};

/// All widths in turn, another first in each block; where a row is no whole block, 4 bits.
std::vector<amq::format> mixed_formats(amq::llama const& model) {
  constexpr std::array widths{2, 3, 5, 6, 8, 16, 4};
  std::vector<amq::format> formats;
  for (auto const& layer : model.linears()) {
    std::size_t const turn = formats.size() + static_cast<std::size_t>(layer.block);
    amq::format f{widths[turn % widths.size()], amq::format::whole_row};
    if (!amq::gguf_refusal(f, layer.cols).empty()) f.bits = 4;
    formats.push_back(f);
  }
  return formats;
}

/// Every tensor of the file as amq reads it, under its name there; and each linear layer in the checkpoint's order,
/// under its name in the checkpoint.
void write_expected(amq::llama const& model, std::filesystem::path const& gguf, std::filesystem::path const& to) {
  amq::gguf_model const read(model, gguf);
  std::vector<amq::tensor_header> headers;
  for (auto const& tensor : read.file().tensors()) headers.push_back({tensor.name, amq::dtype::f32, tensor.shape});
  for (auto const& layer : model.linears())
    headers.push_back({layer.name + ".weight", amq::dtype::f32, {layer.rows, layer.cols}});
  amq::safetensors_writer file(to, headers);
  for (auto const& tensor : read.file().tensors()) {
    auto const cols = static_cast<std::size_t>(tensor.shape.back());
    auto const row_bytes = static_cast<std::size_t>(gguf_row_bytes(tensor.type, tensor.shape.back()));
    std::vector<float> values(tensor.data.size() / row_bytes * cols);
    for (std::size_t row = 0; row * cols < values.size(); ++row)
      amq::decode_gguf_row(tensor.type, tensor.data.subspan(row * row_bytes, row_bytes),
                           std::span(values).subspan(row * cols, cols));
    file.write(std::span<float const>(values));
  }
  for (amq::index i = 0; i < read.layers(); ++i) {
    auto const values = read.layer(i).dequantized();
    file.write(std::span<float const>(values.data(), static_cast<std::size_t>(values.size())));
  }
  file.commit();
}

void write_all(std::filesystem::path const& folder, std::filesystem::path const& source) {
  auto const model = amq::llama::load(source);
  auto const formats = mixed_formats(model);
  amq::gguf_options options;
  options.others.embedding = amq::gguf_type::q8_0;
  amq::write_gguf(model, formats, folder, options);
  write_expected(model, folder / "model.gguf", folder / "expected.safetensors");

  std::vector<amq::format> const kept(formats.size(), {16, amq::format::whole_row});
  options = {};
  options.file_name = "kept.gguf";
  amq::write_gguf(model, kept, folder, options);
  amq::write_file(folder / "recipe.txt", amq::gguf_recipe(model, formats, {amq::gguf_type::q8_0, std::nullopt}));
  std::vector<amq::gguf_importance_sums> sums;
  for (auto const& layer : model.linears())
    sums.push_back({std::vector<float>(static_cast<std::size_t>(layer.cols), 2.0f), 128});
  amq::write_gguf_imatrix(model, sums, "none", 64, folder / "imatrix.gguf");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::cerr << "usage: write_gguf FOLDER [MODEL]\n";
    return 2;
  }
  try {
    std::filesystem::path const folder = argv[1];
    std::filesystem::path const model = argc == 3 ? std::filesystem::path(argv[2]) : folder / "source";
    if (argc == 2) random_llama{model};
    std::filesystem::create_directories(folder);
    write_all(folder, model);
  } catch (std::exception const& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
  }
}
