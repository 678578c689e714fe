// Writes a quantized model into one file, layer by layer: the sink of quantizers, read back as packed_model.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/half.hpp"
#include "amq/core/quantized_model.hpp"
#include "amq/core/tile_layout.hpp"
#include "amq/core/tiled_matrix.hpp"
#include "amq/io/detail/packed_layers.hpp"
#include "amq/io/safetensors_stream.hpp"
#include "amq/io/tensor.hpp"

namespace amq {

/// How a layer that is left alone is stored.
enum class dense_storage : std::uint8_t {
  exact,        ///< BF16 or F16 where that loses nothing, else F32
  sixteen_bits  ///< as exact, but F32 is rounded to F16, or to BF16 where it is beyond F16
};

/// How codes are stored.
enum class code_storage : std::uint8_t {
  rows,  ///< row after row: what quantizers and exporters exchange
  tiles  ///< in the packed layout that kernels read from the mapped file, where it holds the format
};

namespace detail {

template <class Through>
bool survives(matrix<float> const& values, Through const& through) {
  return std::all_of(values.data(), values.data() + values.size(), [&](float v) { return through(v) == v; });
}

/// The narrowest dtype that holds the values as `how` asks; BF16 first, which most checkpoints have. O(values).
inline dtype dense_dtype(matrix<float> const& values, dense_storage how) {
  if (survives(values, [](float v) { return bf16_to_f32(f32_to_bf16(v)); })) return dtype::bf16;
  if (survives(values, [](float v) { return f16_to_f32(f32_to_f16(v)); })) return dtype::f16;
  if (how == dense_storage::exact) return dtype::f32;
  bool const fits = std::all_of(values.data(), values.data() + values.size(),
                                [](float v) { return std::isfinite(f16_to_f32(f32_to_f16(v))); });
  return fits ? dtype::f16 : dtype::bf16;
}

}  // namespace detail

/// Layers come in order; vectors, copies and notes at any time. Data is written once, as it comes, beside `path`; the
/// file appears with `commit`. Memory: the layer at hand. Throws input_error where the disk refuses.
class packed_model_writer : public quantized_sink {
 public:
  /// `layers`: the model's linear layers; `other_names`: all tensors that vector() or copy() may be given (the names of
  /// a whole checkpoint, say); they decide how much room the header gets.
  packed_model_writer(std::filesystem::path path, std::span<linear_layer const> layers,
                      std::span<std::string const> other_names, dense_storage dense = dense_storage::exact,
                      code_storage codes = code_storage::rows)
      : file_(std::move(path), room(layers, other_names)),
        layers_(layers.begin(), layers.end()),
        dense_(dense),
        codes_(codes) {}

  void layer(index layer, quantized_matrix&& quantized) override {
    AMQ_EXPECTS(layer == std::ssize(described_) && layer < std::ssize(layers_),
                "layers must come in order, each once: layer " + std::to_string(described_.size()) + " of " +
                    std::to_string(layers_.size()) + " was expected, not " + std::to_string(layer));
    auto const& linear = layers_[described_.size()];
    AMQ_EXPECTS(quantized.rows() == linear.rows && quantized.cols() == linear.cols,
                linear.name + " is quantized in another shape than the model's");
    described_.push_back({linear.name, "", linear.rows, linear.cols});
    std::visit([this](auto const& stored) { write(stored); }, quantized.stored());
    if (!quantized.input_scales().empty()) put<float>(".input_scales", {quantized.cols()}, quantized.input_scales());
  }

  void vector(std::string const& tensor, std::span<float const> values) override {
    vector({tensor, dtype::f32, {std::ssize(values)}}, values);
  }
  /// The same, rounded to a float dtype.
  void vector(tensor_header const& tensor, std::span<float const> values) {
    file_.write_rounded(tensor, values);
    replaced_.push_back(tensor.name);
  }

  void note(std::string const& sentence) override { notes_.push_back(sentence); }
  std::vector<std::string> const& notes() const { return notes_; }

  /// A tensor that is no linear layer, as it is.
  void copy(tensor_view const& tensor) { file_.write({tensor.name, tensor.type, tensor.shape}, tensor.bytes); }

  /// Bytes of all tensors so far, which is what the file will hold beside its header.
  std::int64_t data_bytes() const { return file_.data_bytes(); }

  /// Throws precondition_error when a layer is still to come.
  void commit() {
    AMQ_EXPECTS(described_.size() == layers_.size(), "packed_model_writer got " + std::to_string(described_.size()) +
                                                         " of " + std::to_string(layers_.size()) + " layers");
    auto listed = nlohmann::ordered_json::array();
    for (auto const& layer : described_) listed.push_back(detail::to_json(layer));
    file_.commit({{"format", detail::packed_model_format},
                  {"layout", codes_ == code_storage::tiles ? detail::packed_model_layout_of_tiles
                                                           : detail::packed_model_layout_of_rows},
                  {"layers", listed.dump()},
                  {"replaced", nlohmann::ordered_json(replaced_).dump()}});
  }

 private:
  static std::size_t room(std::span<linear_layer const> layers, std::span<std::string const> others) {
    constexpr std::size_t tensors_a_layer = 6, longest_part = 16, described = 160;
    std::size_t names = 0, metadata = 0;
    for (auto const& layer : layers) {
      names += tensors_a_layer * (layer.name.size() + longest_part);
      metadata += described + layer.name.size();
    }
    for (auto const& name : others) {
      names += name.size();
      metadata += name.size() + 8;
    }
    return safetensors_stream::header_room(tensors_a_layer * layers.size() + others.size(), names, metadata);
  }

  /// A tensor of the layer at hand, of items that lie in a row.
  template <class T, class Items>
  void put(char const* part, std::vector<index> const& shape, Items const& items) {
    file_.write<T>(described_.back().name + part, dtype_of<T>(), shape, std::span<T const>(items));
  }

  template <class T>
  static constexpr dtype dtype_of() {
    if constexpr (std::is_same_v<T, float>) return dtype::f32;
    if constexpr (std::is_same_v<T, std::uint16_t>) return dtype::f16;
    if constexpr (std::is_same_v<T, std::int32_t>) return dtype::i32;
    if constexpr (std::is_same_v<T, std::uint8_t>) return dtype::u8;
  }

  void write(packed_matrix const& stored) {
    bool const tiled = codes_ == code_storage::tiles && stored.column_groups().empty() &&
                       tile_layout::refusal(stored.storage(), stored.cols()).empty();
    if (tiled)
      write_tiles(stored);
    else
      write_rows(stored);
  }

  void write_tiles(packed_matrix const& stored) {
    describe("affine", {stored.storage().bits, stored.storage().group});
    tiled_matrix const tiles(stored);
    put<std::uint8_t>(".tiles", detail::tiles_shape(described_.back()),
                      std::span(tiles.view().data, static_cast<std::size_t>(tiles.bytes())));
  }

  void write_rows(packed_matrix const& stored) {
    describe("affine", {stored.storage().bits, stored.storage().group});
    put<std::uint8_t>(".codes", {stored.rows(), stored.row_bytes()}, stored.packed_codes());
    put<std::uint16_t>(".scales", {stored.rows(), stored.groups()}, stored.packed_scales());
    put<std::uint16_t>(".zeros", {stored.rows(), stored.groups()}, stored.packed_zeros());
    if (!stored.column_groups().empty()) put<std::int32_t>(".column_groups", {stored.cols()}, stored.column_groups());
  }

  void write(outlier_matrix const& stored) {
    if (stored.columns().empty()) return write(stored.packed());
    write_rows(stored.packed());
    auto const storage = stored.packed().storage();
    auto const count = std::ssize(stored.columns());
    describe("outliers", {storage.bits, storage.group, static_cast<int>(count)});
    put<std::int32_t>(".columns", {count}, stored.columns());
    auto const values = stored.values();
    put<std::uint16_t>(".values", {stored.rows(), count},
                       std::span(values.data, static_cast<std::size_t>(values.size())));
  }

  void write(residual_stack const& stored) {
    auto const& levels = stored.levels();
    index const count = std::ssize(levels);
    index const rank = levels.empty() ? 0 : levels.front().left.cols();
    for (auto const& level : levels)
      AMQ_EXPECTS(level.left.cols() == rank, described_.back().name + " has levels of different ranks");
    AMQ_EXPECTS(rank > 0, described_.back().name + " has a stack without levels or without rank");
    describe("stack", {static_cast<int>(count), format::whole_row, 0, format_kind::stack, static_cast<int>(rank)});
    index const signs = (stored.rows() * stored.cols() + 7) / 8;
    put<std::uint8_t>(".signs", {count, signs}, joined<std::uint8_t>(levels, &stack_level::signs));
    put<std::uint16_t>(".left", {count, stored.rows(), rank}, joined<std::uint16_t>(levels, &stack_level::left));
    put<std::uint16_t>(".right", {count, rank, stored.cols()}, joined<std::uint16_t>(levels, &stack_level::right));
    if (!stored.channel_scale().empty()) put<float>(".channel_scale", {stored.cols()}, stored.channel_scale());
  }

  void write(matrix<float> const& stored) {
    describe("dense", {16, format::whole_row});
    file_.write_rounded(
        {described_.back().name + ".weight", detail::dense_dtype(stored, dense_), {stored.rows(), stored.cols()}},
        {stored.data(), static_cast<std::size_t>(stored.size())});
  }

  void describe(char const* form, format storage) {
    described_.back().form = form;
    described_.back().storage = storage;
  }

  /// One member of all levels, one level after the other.
  template <class T, class Member>
  static std::vector<T> joined(std::vector<stack_level> const& levels, Member stack_level::*member) {
    std::vector<T> all;
    for (auto const& level : levels) {
      auto const& part = level.*member;
      all.insert(all.end(), part.data(), part.data() + part.size());
    }
    return all;
  }

  safetensors_stream file_;
  std::vector<linear_layer> layers_;
  dense_storage dense_;
  code_storage codes_;
  std::vector<detail::packed_layer> described_;
  std::vector<std::string> replaced_;
  std::vector<std::string> notes_;
};

}  // namespace amq
