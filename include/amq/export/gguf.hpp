// Writes a model as one GGUF file, as llama.cpp loads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/quantized_model.hpp"
#include "amq/export/detail/gguf_hyperparameters.hpp"
#include "amq/export/detail/gguf_names.hpp"
#include "amq/export/detail/gguf_tokenizer.hpp"
#include "amq/export/export_report.hpp"
#include "amq/io/gguf_writer.hpp"
#include "amq/quantize/gguf_row.hpp"
#include "amq/space/target_check.hpp"
#include "amq/space/targets/gguf.hpp"

namespace amq {

struct gguf_options {
  gguf_other_types others;
  /// For each linear layer one positive number an input, its mean square over calibration tokens (`gguf_importance`);
  /// an empty vector, or none at all: all inputs alike.
  std::vector<std::vector<float>> importance;
  std::string file_name = "model.gguf";
};

namespace detail {

/// Where the exporter takes numbers from: one layer's matrix, and the new values of a norm, bias or embedding.
struct gguf_numbers {
  std::function<matrix<float>(index)> layer;
  std::function<std::optional<std::vector<float>>(std::string const&)> replaced;
};

/// One export; `Model` as for the other exporters.
template <class Model>
class gguf_export {
 public:
  gguf_export(Model const& model, gguf_numbers numbers, std::span<format const> formats, gguf_options const& options)
      : model_(model), numbers_(std::move(numbers)), formats_(formats), options_(options) {}

  export_report write(std::filesystem::path const& folder) {
    plan();
    export_report report;
    auto metadata = gguf_hyperparameters(model_.config(), model_name(), commonest_type(tensors_));
    gguf_tokenizer(model_.checkpoint().folder(), model_.config().vocabulary).describe(metadata, report.notes);
    note_windows(report.notes);
    gguf_writer file(folder / options_.file_name, metadata, tensors_);
    for (auto const& write_tensor : writers_) write_tensor(file);
    file.commit();
    for (auto const& tensor : tensors_) report.weight_bytes += gguf_aligned(tensor.bytes());
    return report;
  }

 private:
  /// What the file will hold, and how each tensor is written when its turn comes.
  void plan() {
    bool const tied = model_.config().tied_head;
    for (auto const& other : model_.others()) {
      auto const& source = model_.checkpoint().tensor(other.name);
      auto const type = gguf_type_of_other(other.name, other.shape, source.type, options_.others);
      if (!gguf_type_fits(type, other.shape.back()))
        throw input_error("the tensor " + other.name + " has rows of " + std::to_string(other.shape.back()) +
                          ", which " + to_string(type) + " cannot hold; choose another type for it, such as F16");
      tensors_.push_back({gguf_name(other.name, tied), type, other.shape});
      writers_.push_back([this, type, &other](gguf_writer& file) { write_other(other.name, other.shape, type, file); });
    }
    for (index i = 0; auto const& layer : model_.linears()) {
      auto const type = layer_type(i);
      tensors_.push_back({gguf_name(layer.name + ".weight", tied), type, {layer.rows, layer.cols}});
      writers_.push_back([this, type, i](gguf_writer& file) { write_layer(i, type, file); });
      ++i;
    }
    auto factors = gguf_frequency_factors(model_.config());
    if (factors.empty()) return;
    tensors_.push_back({"rope_freqs.weight", gguf_type::f32, {std::ssize(factors)}});
    writers_.push_back([factors](gguf_writer& file) { file.write(std::as_bytes(std::span(factors))); });
  }

  linear_layer const& layer(index i) const { return model_.linears()[static_cast<std::size_t>(i)]; }

  gguf_type layer_type(index i) const {
    auto const f = formats_[static_cast<std::size_t>(i)];
    if (auto const type = gguf_type_for(f, layer(i).cols)) return *type;
    return model_.weight_dtype(i) == dtype::bf16 ? gguf_type::bf16 : gguf_type::f16;
  }

  void write_layer(index i, gguf_type type, gguf_writer& file) const {
    matrix<float> const values = numbers_.layer(i);
    auto const importance =
        options_.importance.empty() ? std::vector<float>{} : options_.importance[static_cast<std::size_t>(i)];
    std::string const name = layer(i).name + ".weight";
    index const heads = gguf_reordered_heads(name, model_.config());
    write_rows(name, values.rows(), values.cols(), importance, type, file,
               [&](index row) { return values.row(gguf_source_row(row, values.rows(), heads)); });
  }

  void write_other(std::string const& name, std::span<index const> shape, gguf_type type, gguf_writer& file) const {
    auto const& source = model_.checkpoint().tensor(name);
    index const cols = shape.back();
    index const rows = source.size() / cols;
    if (auto values = numbers_.replaced(name)) {
      if (shape.size() == 1) reorder(name, *values);
      matrix_view<float const> const table(values->data(), rows, cols);
      return write_rows(name, rows, cols, {}, type, file, [&](index row) { return table.row(row); });
    }
    auto const row_bytes = source.bytes.size() / static_cast<std::size_t>(rows);
    std::vector<float> values(static_cast<std::size_t>(cols));
    write_rows(name, rows, cols, {}, type, file, [&](index row) -> std::span<float const> {
      auto piece = source;
      piece.bytes = source.bytes.subspan(static_cast<std::size_t>(row) * row_bytes, row_bytes);
      to_f32(piece, values);
      if (shape.size() == 1) reorder(name, values);
      return values;
    });
  }

  /// A bias is one row in the file, but its numbers are reordered as the rows of its matrix are.
  void reorder(std::string const& name, std::vector<float>& bias) const {
    index const heads = gguf_reordered_heads(name, model_.config());
    auto const source = bias;
    for (index i = 0; i < std::ssize(bias); ++i)
      bias[static_cast<std::size_t>(i)] = source[static_cast<std::size_t>(gguf_source_row(i, std::ssize(bias), heads))];
  }

  template <class RowAt>
  static void write_rows(std::string const& name, index rows, index cols, std::span<float const> importance,
                         gguf_type type, gguf_writer& file, RowAt const& row_at) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(gguf_row_bytes(type, cols)));
    try {
      for (index row = 0; row < rows; ++row) {
        encode_gguf_row(type, row_at(row), importance, bytes);
        file.write(bytes);
      }
    } catch (input_error const& failure) {
      throw input_error(name + ": " + failure.what());
    }
  }

  std::string model_name() const {
    auto folder = model_.checkpoint().folder();
    if (!folder.has_filename()) folder = folder.parent_path();
    return folder.filename().string();
  }

  void note_windows(std::vector<std::string>& notes) const {
    for (auto const window : model_.config().windows)
      if (window > 0) {
        notes.push_back("llama.cpp ignores this model's attention window of " + std::to_string(window) +
                        " tokens, so longer texts give other results there");
        return;
      }
  }

  Model const& model_;
  gguf_numbers numbers_;
  std::span<format const> formats_;
  gguf_options const& options_;
  std::vector<gguf_tensor> tensors_;
  std::vector<std::function<void(gguf_writer&)>> writers_;
};

template <class Model>
export_report write_gguf(Model const& source, gguf_numbers numbers, std::span<format const> formats,
                         std::filesystem::path const& folder, gguf_options const& options) {
  expect_exportable(gguf_target(options.others), source.linears(), formats);
  AMQ_EXPECTS(options.importance.empty() || options.importance.size() == formats.size(),
              "write_gguf needs importance for each of the " + std::to_string(formats.size()) +
                  " linear layers or none, not " + std::to_string(options.importance.size()));
  return gguf_export(source, std::move(numbers), formats, options).write(folder);
}

}  // namespace detail

/// Writes `folder`/model.gguf (version 3), an existing folder: hyper-parameters and tokenizer as metadata, q and k rows
/// in llama.cpp's order, norms and biases in F32, each linear layer quantized from the source's weights into the type
/// that its format stands for (`gguf_type_for`): exactly what `gguf_blocks` measures, or, with `importance`,
/// `gguf_weighted_blocks`. Memory: one layer. `weight_bytes` is what `gguf_target` predicts; notes say what llama.cpp
/// will do otherwise. Throws input_error where the formats do not fit, and when the disk refuses.
template <class Model>
export_report write_gguf(Model const& source, std::span<format const> formats, std::filesystem::path const& folder,
                         gguf_options const& options = {}) {
  return detail::write_gguf(source,
                            {[&](index layer) { return source.weight(layer); },
                             [](std::string const&) -> std::optional<std::vector<float>> { return std::nullopt; }},
                            formats, folder, options);
}

/// The same from a quantized model's values: they are quantized once more, into blocks that were not meant for them, so
/// measure the loss again (`gguf_model` reads the file back).
template <class Model>
export_report write_gguf(Model const& source, quantized_source const& quantized, std::span<format const> formats,
                         std::filesystem::path const& folder, gguf_options const& options = {}) {
  return detail::write_gguf(source,
                            {[&](index layer) { return quantized.layer(layer).dequantized(); },
                             [&](std::string const& tensor) { return quantized.replaced(tensor); }},
                            formats, folder, options);
}

}  // namespace amq
