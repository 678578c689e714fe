// Archives from one kind of file to another, and the space that an archive is about.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/layer_name.hpp"
#include "amq/io/archive_csv.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/space/format_space.hpp"
#include "amq/store/sqlite_archive.hpp"

namespace amq {

/// All of an SQLite archive: its settings become `about`.
inline exchanged_archive exchanged(sqlite_archive const& archive) {
  exchanged_archive result{archive.settings(), archive.layers(), {}};
  result.about.erase("space");
  result.evaluations.assign(archive.evaluations().begin(), archive.evaluations().end());
  return result;
}

/// An archive of either kind, told by how the file begins. Throws input_error as their readers do.
inline exchanged_archive read_archive(std::filesystem::path const& file) {
  return is_archive_csv(file) ? read_archive_csv(file) : exchanged(sqlite_archive::open_read_only(file));
}

/// A new SQLite archive with all evaluations. Throws input_error when something is there already, or when it cannot be
/// written.
inline void write_sqlite_archive(std::filesystem::path const& file, exchanged_archive const& archive) {
  auto written = sqlite_archive::create(file, archive.about, archive.layers);
  for (auto const& e : archive.evaluations) written.record(e);
  written.flush();
}

/// The space of an archive's layers and formats. Throws input_error where shapes are not known: archives of before
/// version 2, or a CSV without them.
inline format_space space_of(exchanged_archive const& archive, std::filesystem::path const& file) {
  std::vector<linear_layer> layers;
  std::vector<std::vector<format>> choices;
  for (auto const& layer : archive.layers) {
    if (layer.rows < 1 || layer.cols < 1)
      throw input_error(detail::printable_path(file) + " does not say how large the layer '" +
                        detail::printable(layer.name) +
                        "' is; export it as CSV and put rows and columns into its '# layer' lines");
    layers.push_back({layer.name, layer.rows, layer.cols, 0, 0});
    choices.push_back(layer.choices);
  }
  place_by_name(layers);
  return format_space(std::move(layers), std::move(choices), archive.other_bytes());
}

}  // namespace amq
