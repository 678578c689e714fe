// How the layers of a packed model lie in its file: names of their tensors, and what the header's metadata says.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/tile_layout.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/json.hpp"

namespace amq::detail {

inline constexpr char const* packed_model_format = "amq";
/// "1": codes row by row; "2": in tiles where there is a kernel for them. Both are read.
inline constexpr char const* packed_model_layout_of_rows = "1";
inline constexpr char const* packed_model_layout_of_tiles = tile_layout::version;

/// What the metadata says of a layer. Shapes of its tensors follow from it.
struct packed_layer {
  std::string name;
  std::string form;  ///< affine, outliers, stack or dense
  index rows = 0;
  index cols = 0;
  format storage{16, format::whole_row};
};

inline nlohmann::ordered_json to_json(packed_layer const& layer) {
  return {{"name", layer.name},
          {"form", layer.form},
          {"rows", layer.rows},
          {"cols", layer.cols},
          {"format", spelling(layer.storage)}};
}

/// (tiles, bytes a tile) of the layer's `.tiles`. The layout must hold the layer's format.
inline std::vector<index> tiles_shape(packed_layer const& layer) {
  tile_layout const layout{layer.storage.bits, layer.storage.group};
  return {tile_layout::tiles(layer.rows), layout.groups(layer.cols) * layout.block_bytes()};
}

/// Throws input_error for values of the wrong type or out of range, and for formats that no layer can have.
inline packed_layer parse_packed_layer(nlohmann::json const& entry, std::filesystem::path const& file) {
  constexpr index longest = index{1} << 40;
  if (!entry.is_object()) refuse_value(file, "layers", entry, "a list of objects");
  packed_layer layer;
  layer.name = require<std::string>(entry, "name", file);
  layer.form = require<std::string>(entry, "form", file);
  layer.rows = expect_between(require<index>(entry, "rows", file), index{1}, longest, "rows", file);
  layer.cols = expect_between(require<index>(entry, "cols", file), index{1}, longest, "cols", file);
  auto const storage = parse_format(require<std::string>(entry, "format", file));
  bool const affine = layer.form == "affine" || layer.form == "outliers";
  if (!storage || storage->kept() != (layer.form == "dense") || storage->stacked() != (layer.form == "stack") ||
      (storage->kept_columns > 0) != (layer.form == "outliers"))
    refuse_value(file, "format", entry["format"], "a format that fits the form '" + printable(layer.form) + "'");
  layer.storage = *storage;
  if (affine && layer.cols % storage->group_size(layer.cols) != 0)
    refuse_value(file, "format", entry["format"], "a group that divides " + std::to_string(layer.cols) + " columns");
  return layer;
}

}  // namespace amq::detail
