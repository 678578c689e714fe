// A quantized model in one memory-mapped safetensors file: the format `amq`, and what quantizers and exporters
// exchange.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/quantized_model.hpp"
#include "amq/core/tile_layout.hpp"
#include "amq/core/tiled_matrix.hpp"
#include "amq/io/detail/packed_layers.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/json.hpp"
#include "amq/io/safetensors.hpp"

namespace amq {

/// What packed_model_writer wrote. A layer's tensors are named after it: `.tiles` U8 (tiles, bytes a tile) in the
/// packed layout that kernels read (tile_layout.hpp), or `.codes` U8 (rows, bytes a row), `.scales` and `.zeros` F16
/// (rows, groups), `.column_groups` I32 (cols) where there are some; `.columns` I32 (n) and `.values` F16 (rows, n)
/// beside them for outliers; `.signs` U8 (levels, bytes), `.left` F16 (levels, rows, rank), `.right` F16 (levels, rank,
/// cols), and `.channel_scale` F32 (cols) where it has one, for a stack; `.weight` (rows, cols) for a layer left alone;
/// `.input_scales` F32 (cols) beside codes where there are some. Opening reads the header; `layer` copies one layer out
/// of the mapping. Safe to read from several threads. Throws input_error for a file that is cut short, of another
/// layout, or whose tensors do not fit each other. Move-only.
class packed_model : public quantized_source {
 public:
  explicit packed_model(std::filesystem::path const& path) : file_(path) {
    read_metadata();
    for (std::size_t i = 0; i < file_.tensors().size(); ++i) places_[file_.tensors()[i].name] = i;
    for (auto const& name : replaced_)
      if (!places_.contains(name)) refuse("lacks the tensor '" + detail::printable(name) + "'", "all that it lists");
    for (auto const& layer : layers_) check(layer);
  }

  index layers() const override { return std::ssize(layers_); }
  std::string const& layer_name(index layer) const { return at(layer).name; }
  /// (rows, cols)
  std::pair<index, index> shape(index layer) const { return {at(layer).rows, at(layer).cols}; }
  /// How the layer is stored: `kept16` for dense ones.
  format storage(index layer) const { return at(layer).storage; }

  /// O(the layer's bytes).
  quantized_matrix layer(index layer) const override {
    auto const& described = at(layer);
    if (described.form == "dense") return read_dense(described);
    if (described.form == "stack") return read_stack(described);
    if (described.form == "outliers") return read_outliers(described);
    if (has(described, ".input_scales")) return {read_codes(described), items<float>(described, ".input_scales")};
    return read_codes(described);
  }

  /// The layer's tiles in the mapped file, as kernels read them, valid as long as this object; none for a layer in
  /// another form or with input scales.
  std::optional<tiled_view> tiles(index layer) const {
    auto const& described = at(layer);
    if (described.form != "affine" || !has(described, ".tiles") || has(described, ".input_scales")) return std::nullopt;
    return tiles_of(described);
  }

  /// The tensor of a layer that is left alone; none for one in another form.
  tensor_view const* dense(index layer) const {
    auto const& described = at(layer);
    return described.form == "dense" ? &tensor(described, ".weight") : nullptr;
  }

  std::optional<std::vector<float>> replaced(std::string const& tensor) const override {
    if (!std::binary_search(replaced_.begin(), replaced_.end(), tensor)) return std::nullopt;
    auto const& found = file_.tensors()[places_.at(tensor)];
    std::vector<float> values(static_cast<std::size_t>(found.size()));
    to_f32(found, values);
    return values;
  }
  std::vector<std::string> replaced_names() const override { return replaced_; }

  /// The file below: embeddings, norms and head where it holds the whole model.
  safetensors_file const& file() const { return file_; }

 private:
  using described_layer = detail::packed_layer;

  [[noreturn]] void refuse(std::string const& found, std::string const& expected) const {
    throw input_error(detail::printable_path(file_.path()) + " " + found + "; expected " + expected);
  }

  described_layer const& at(index layer) const {
    AMQ_EXPECTS(layer >= 0 && layer < layers(),
                "packed_model holds " + std::to_string(layers()) + " layers, so no layer " + std::to_string(layer));
    return layers_[static_cast<std::size_t>(layer)];
  }

  std::string const& text(char const* key) const {
    auto const found = file_.metadata().find(key);
    if (found == file_.metadata().end())
      refuse(std::string("lacks the metadata '") + key + "'", "a model that amq packed");
    return found->second;
  }

  void read_metadata() {
    if (text("format") != detail::packed_model_format)
      refuse("has the format '" + detail::printable(text("format")) + "'", "a model that amq packed");
    if (text("layout") != detail::packed_model_layout_of_rows && text("layout") != detail::packed_model_layout_of_tiles)
      refuse("has layout " + detail::printable(text("layout")), "layout 1 or 2; another version of amq wrote it");
    auto const described = parse_json(text("layers"), file_.path());
    if (!described.is_array()) refuse("has 'layers' that are no list", "a list of the linear layers");
    for (auto const& entry : described) layers_.push_back(detail::parse_packed_layer(entry, file_.path()));
    auto const replaced = parse_json(text("replaced"), file_.path());
    for (auto const& entry : replaced)
      replaced_.push_back(detail::json_value<std::string>(entry, "replaced", file_.path()));
    std::sort(replaced_.begin(), replaced_.end());
  }

  bool has(described_layer const& layer, char const* part) const { return places_.contains(layer.name + part); }

  tensor_view const& tensor(described_layer const& layer, char const* part) const {
    auto const found = places_.find(layer.name + part);
    if (found == places_.end())
      refuse("lacks the tensor '" + detail::printable(layer.name + part) + "'",
             "all tensors of a layer in the form '" + layer.form + "'");
    return file_.tensors()[found->second];
  }

  template <class T>
  std::vector<T> items(described_layer const& layer, char const* part) const {
    auto const& found = tensor(layer, part);
    std::vector<T> values(found.bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), found.bytes.data(), values.size() * sizeof(T));
    return values;
  }

  void expect(described_layer const& layer, char const* part, dtype type, std::vector<index> const& shape) const {
    auto const& found = tensor(layer, part);
    if (found.type == type && found.shape == shape) return;
    refuse("has the tensor '" + detail::printable(found.name) + "' as " + to_string(found.type) + " " +
               to_string(std::span<index const>(found.shape)),
           std::string(to_string(type)) + " " + to_string(std::span<index const>(shape)));
  }

  void check(described_layer const& layer) const {
    if (layer.form == "dense") {
      auto const type = tensor(layer, ".weight").type;
      expect(layer, ".weight", is_float(type) ? type : dtype::bf16, {layer.rows, layer.cols});
    } else if (layer.form == "stack") {
      check_stack(layer);
    } else {
      check_codes(layer);
    }
  }

  void check_codes(described_layer const& layer) const {
    if (has(layer, ".tiles"))
      check_tiles(layer);
    else
      check_rows(layer);
    if (has(layer, ".input_scales")) expect(layer, ".input_scales", dtype::f32, {layer.cols});
    if (layer.form != "outliers") return;
    expect(layer, ".columns", dtype::i32, {layer.storage.kept_columns});
    expect(layer, ".values", dtype::f16, {layer.rows, layer.storage.kept_columns});
  }

  void check_tiles(described_layer const& layer) const {
    if (auto const why = tile_layout::refusal(layer.storage, layer.cols); !why.empty())
      refuse("has tiles of layer '" + detail::printable(layer.name) + "', but " + why, "codes row by row");
    expect(layer, ".tiles", dtype::u8, detail::tiles_shape(layer));
  }

  void check_rows(described_layer const& layer) const {
    index const groups = layer.storage.groups(layer.cols);
    expect(layer, ".codes", dtype::u8, {layer.rows, (layer.cols * layer.storage.bits + 7) / 8});
    expect(layer, ".scales", dtype::f16, {layer.rows, groups});
    expect(layer, ".zeros", dtype::f16, {layer.rows, groups});
    if (has(layer, ".column_groups")) expect(layer, ".column_groups", dtype::i32, {layer.cols});
  }

  void check_stack(described_layer const& layer) const {
    index const levels = layer.storage.bits;
    index const rank = layer.storage.rank;
    auto const& signs = tensor(layer, ".signs");
    // The extents are bounded by the file before they are multiplied.
    expect(layer, ".left", dtype::f16, {levels, layer.rows, rank});
    expect(layer, ".right", dtype::f16, {levels, rank, layer.cols});
    if (8 * signs.size() / layer.rows < layer.cols)
      refuse("has too few signs for layer '" + detail::printable(layer.name) + "'", "a sign for each weight");
    expect(layer, ".signs", dtype::u8, {levels, (layer.rows * layer.cols + 7) / 8});
    if (has(layer, ".channel_scale")) expect(layer, ".channel_scale", dtype::f32, {layer.cols});
  }

  outlier_matrix read_outliers(described_layer const& layer) const {
    auto columns = items<std::int32_t>(layer, ".columns");
    auto const out_of_order = [](std::int32_t a, std::int32_t b) { return a >= b; };
    if (columns.front() < 0 || columns.back() >= layer.cols ||
        std::adjacent_find(columns.begin(), columns.end(), out_of_order) != columns.end())
      refuse("has wrong numbers in the tensor '" + detail::printable(layer.name + ".columns") + "'",
             "columns that rise within " + std::to_string(layer.cols));
    matrix<std::uint16_t> values(layer.rows, layer.storage.kept_columns);
    std::memcpy(values.data(), tensor(layer, ".values").bytes.data(), tensor(layer, ".values").bytes.size());
    return {read_codes(layer), std::move(columns), std::move(values)};
  }

  matrix<float> read_dense(described_layer const& layer) const {
    matrix<float> values(layer.rows, layer.cols);
    to_f32(tensor(layer, ".weight"), {values.data(), static_cast<std::size_t>(values.size())});
    return values;
  }

  tiled_view tiles_of(described_layer const& layer) const {
    auto const* const data = reinterpret_cast<std::uint8_t const*>(tensor(layer, ".tiles").bytes.data());
    return {data, layer.rows, layer.cols, {layer.storage.bits, layer.storage.group}};
  }

  packed_matrix read_codes(described_layer const& layer) const {
    if (has(layer, ".tiles")) return unpack(tiles_of(layer));
    auto const codes = tensor(layer, ".codes").bytes;
    packed_matrix packed({layer.storage.bits, layer.storage.group}, layer.rows, layer.cols,
                         {reinterpret_cast<std::uint8_t const*>(codes.data()), codes.size()},
                         items<std::uint16_t>(layer, ".scales"), items<std::uint16_t>(layer, ".zeros"));
    if (!has(layer, ".column_groups")) return packed;
    auto groups = items<std::int32_t>(layer, ".column_groups");
    auto const outside = [&](std::int32_t group) { return group < 0 || group >= packed.groups(); };
    if (std::any_of(groups.begin(), groups.end(), outside))
      refuse("has wrong numbers in the tensor '" + detail::printable(layer.name + ".column_groups") + "'",
             "groups below " + std::to_string(packed.groups()));
    return std::move(packed).with_column_groups(std::move(groups));
  }

  residual_stack read_stack(described_layer const& layer) const {
    auto const slice = [&](char const* part, int level, void* to, std::size_t bytes) {
      std::memcpy(to, tensor(layer, part).bytes.data() + static_cast<std::size_t>(level) * bytes, bytes);
    };
    std::vector<stack_level> levels;
    for (int i = 0; i < layer.storage.bits; ++i) {
      stack_level level;
      level.signs.resize(static_cast<std::size_t>((layer.rows * layer.cols + 7) / 8));
      level.left = matrix<std::uint16_t>(layer.rows, layer.storage.rank);
      level.right = matrix<std::uint16_t>(layer.storage.rank, layer.cols);
      slice(".signs", i, level.signs.data(), level.signs.size());
      slice(".left", i, level.left.data(), 2 * static_cast<std::size_t>(level.left.size()));
      slice(".right", i, level.right.data(), 2 * static_cast<std::size_t>(level.right.size()));
      levels.push_back(std::move(level));
    }
    if (!has(layer, ".channel_scale")) return residual_stack(layer.rows, layer.cols, std::move(levels));
    return residual_stack(layer.rows, layer.cols, std::move(levels), items<float>(layer, ".channel_scale"));
  }

  safetensors_file file_;
  std::vector<described_layer> layers_;
  std::vector<std::string> replaced_;  // sorted
  std::map<std::string, std::size_t> places_;
};

}  // namespace amq
