// Writes a model as GGUF in every type, and beside it what a reader has to find there.
#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "amq/export/gguf.hpp"
#include "amq/export/gguf_model.hpp"
#include "amq/export/gguf_recipe.hpp"
#include "amq/io/safetensors_writer.hpp"
#include "amq/model/llama.hpp"
#include "support/wide_llama.hpp"

namespace {

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
    if (argc == 2) amq_test::write_wide_llama(model);
    std::filesystem::create_directories(folder);
    write_all(folder, model);
  } catch (std::exception const& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
  }
}
