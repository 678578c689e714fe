// Archives of any kind, and the space that one was made in.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/io/archive_csv.hpp"
#include "amq/laboratory/complete_table.hpp"
#include "amq/landscape/detail/layer_place.hpp"
#include "amq/space/format_space.hpp"
#include "amq/store/sqlite_archive.hpp"

namespace amq::cli {

/// An archive as CSV (a complete table, too) or of `amq search`.
inline exchanged_archive load_archive(std::filesystem::path const& file) {
  if (is_archive_csv(file)) {
    auto archive = read_archive_csv(file);
    if (is_complete_table(archive)) load_complete_losses(archive, file);
    return archive;
  }
  auto const archive = sqlite_archive::open_read_only(file);
  auto const evaluations = archive.evaluations();
  return {archive.settings(), archive.layers(), {evaluations.begin(), evaluations.end()}};
}

/// Blocks and kinds come from the layers' names; a name without a number belongs to block 0. Throws input_error for
/// layers whose shape nobody recorded.
inline format_space space_of(exchanged_archive const& archive, std::filesystem::path const& file) {
  std::vector<linear_layer> layers;
  std::vector<std::vector<format>> choices;
  amq::detail::layer_places places;
  for (auto const& archived : archive.layers) {
    if (archived.rows < 1 || archived.cols < 1)
      throw input_error(file.string() + " does not say how large the layer " + archived.name.substr(0, 80) +
                        " is; expected its rows and columns, as newer archives have them");
    layers.push_back({archived.name, archived.rows, archived.cols, 0, 0});
    places.place(layers.back());
    choices.push_back(archived.choices);
  }
  return {std::move(layers), std::move(choices), archive.other_bytes()};
}

}  // namespace amq::cli
