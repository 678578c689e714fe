// What llama.cpp's own quantizer needs to repeat a configuration: a list of types, and an importance matrix.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/export/detail/gguf_names.hpp"
#include "amq/io/atomic_file.hpp"
#include "amq/io/gguf_writer.hpp"
#include "amq/space/target_check.hpp"
#include "amq/space/targets/gguf.hpp"

namespace amq {

/// One line a matrix, `^blk\.0\.attn_q\.weight$=q4_k`, for `llama-quantize --tensor-type-file FILE`: an expression that
/// matches one tensor, and the type that `write_gguf` gives it; embeddings and head are named too, else llama-quantize
/// would choose for them. It only reads the list when its own type (the last argument) is a quantized one.
template <class Model>
std::string gguf_recipe(Model const& source, std::span<format const> formats, gguf_other_types const& others = {}) {
  expect_exportable(gguf_target(others), source.linears(), formats);
  bool const tied = source.config().tied_head;
  std::string lines;
  auto const add = [&](std::string const& tensor, gguf_type type) {
    std::string line = "^";
    for (char const c : detail::gguf_name(tensor, tied)) line += c == '.' ? "\\." : std::string(1, c);
    line += "$=";
    for (char const c : std::string_view(to_string(type))) line += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    lines += line + "\n";
  };
  for (auto const& other : source.others())
    if (other.shape.size() > 1)
      add(other.name, gguf_type_of_other(other.name, other.shape, source.checkpoint().tensor(other.name).type, others));
  for (index i = 0; auto const& layer : source.linears()) {
    auto const kept = source.weight_dtype(i) == dtype::bf16 ? gguf_type::bf16 : gguf_type::f16;
    add(layer.name + ".weight", gguf_type_for(formats[static_cast<std::size_t>(i)], layer.cols).value_or(kept));
    ++i;
  }
  return lines;
}

/// What an importance matrix says of one linear layer.
struct gguf_importance_sums {
  std::vector<float> squares;  ///< (cols): sum over tokens of the input's square
  index tokens = 0;
};

/// Writes llama.cpp's importance matrix in its GGUF form (`llama-quantize --imatrix FILE`): for each linear layer the
/// sums of squares and the number of tokens. `dataset` says what the tokens were, `sequence_length` how they were cut.
/// Throws input_error when the disk refuses.
template <class Model>
void write_gguf_imatrix(Model const& source, std::span<gguf_importance_sums const> layers, std::string const& dataset,
                        index sequence_length, std::filesystem::path const& file) {
  AMQ_EXPECTS(layers.size() == source.linears().size(), "an importance matrix needs sums for each of the " +
                                                            std::to_string(source.linears().size()) +
                                                            " linear layers, not " + std::to_string(layers.size()));
  AMQ_EXPECTS(sequence_length > 0, "an importance matrix needs sequences of at least one token");
  std::vector<std::pair<std::string, gguf_importance_sums const*>> entries;
  index most_tokens = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    auto const& layer = source.linears()[i];
    AMQ_EXPECTS(std::ssize(layers[i].squares) == layer.cols, layer.name + " has " + std::to_string(layer.cols) +
                                                                 " inputs, but sums for " +
                                                                 std::to_string(layers[i].squares.size()));
    entries.emplace_back(detail::gguf_name(layer.name + ".weight", source.config().tied_head), &layers[i]);
    most_tokens = std::max(most_tokens, layers[i].tokens);
  }
  std::sort(entries.begin(), entries.end());
  std::vector<gguf_tensor> tensors;
  for (auto const& [name, sums] : entries) {
    tensors.push_back({name + ".in_sum2", gguf_type::f32, {1, std::ssize(sums->squares)}});
    tensors.push_back({name + ".counts", gguf_type::f32, {1, 1}});
  }
  auto const number = [](index value) { return static_cast<std::uint32_t>(value); };
  gguf_writer writer(file,
                     {{"general.type", std::string("imatrix")},
                      {"imatrix.datasets", std::vector<std::string>{dataset}},
                      {"imatrix.chunk_count", number((most_tokens + sequence_length - 1) / sequence_length)},
                      {"imatrix.chunk_size", number(sequence_length)}},
                     tensors);
  for (auto const& [name, sums] : entries) {
    auto const count = static_cast<float>(sums->tokens);
    writer.write(std::as_bytes(std::span(sums->squares)));
    writer.write(std::as_bytes(std::span(&count, 1)));
  }
  writer.commit();
}

}  // namespace amq
