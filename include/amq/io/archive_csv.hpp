// Archives as text that any program can write: a CSV file with its version, fingerprints and layers on top.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "amq/io/atomic_file.hpp"
#include "amq/io/detail/archive_rows.hpp"
#include "amq/io/detail/text_table.hpp"
#include "amq/io/exchanged_archive.hpp"

namespace amq {

/// The text of an archive, docs/formats.md: numbers are written so that they read back to the same bits. Throws
/// input_error for names that a CSV cannot hold, precondition_error for genes without a choice.
inline std::string archive_csv(exchanged_archive const& archive) {
  std::string text = detail::archive_mark + std::to_string(detail::archive_csv_version) + "\n";
  for (auto const& [name, value] : archive.about) text += "# " + name + ": " + detail::one_line(value) + "\n";
  for (auto const& layer : archive.layers) text += "# layer: " + detail::layer_line(layer) + "\n";
  text += "phase,batch,fidelity,loss,average_bits,model_bytes,seconds,sequence_losses";
  for (auto const& layer : archive.layers) text += "," + layer.name;
  text += "\n";
  for (auto const& e : archive.evaluations) text += detail::row_text(e, archive.layers) + "\n";
  return text;
}

/// Writes archive_csv, whole or not at all. Throws input_error when the place cannot be written, too.
inline void write_archive_csv(std::filesystem::path const& file, exchanged_archive const& archive) {
  write_file(file, archive_csv(archive));
}

/// Reads what archive_csv wrote, or anybody: columns in any order; `loss` and one for every layer must be there.
/// Absent ones read as phase search, batch 0, fidelity 1, no seconds, sizes worked out from the layers' shapes.
/// O(bytes). Throws input_error, naming the line, for everything else.
inline exchanged_archive read_archive_csv(std::filesystem::path const& file) {
  detail::line_reader lines(file, "an archive of amq as CSV");
  if (!lines.next() || !lines.line().starts_with(detail::archive_mark))
    lines.refuse("expected '" + std::string(detail::archive_mark) + std::to_string(detail::archive_csv_version) +
                 "', the first line of an archive as CSV");
  auto const found = lines.line().substr(std::string_view(detail::archive_mark).size());
  if (found != std::to_string(detail::archive_csv_version))
    lines.refuse("this archive is of version " + detail::printable(found, 20) + " and this program reads version " +
                 std::to_string(detail::archive_csv_version));
  exchanged_archive archive;
  while (lines.next() && lines.line().starts_with("#")) {
    auto const [name, value] = detail::comment_parts(lines.line());
    if (name == "layer")
      archive.layers.push_back(detail::parse_layer(value, lines));
    else if (!name.empty())
      archive.about[std::string(name)] = std::string(value);
  }
  if (archive.layers.empty()) lines.refuse("expected lines such as '# layer: NAME ROWS COLS 2/128 4/128' before it");
  detail::archive_columns const columns(archive.layers, lines);
  while (lines.next())
    if (!lines.line().empty()) archive.evaluations.push_back(columns.read(archive.layers, lines));
  return archive;
}

/// Whether a file begins as archives as CSV do; false for one that cannot be read.
inline bool is_archive_csv(std::filesystem::path const& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string start(std::string_view(detail::archive_mark).size(), '\0');
  return stream.read(start.data(), static_cast<std::streamsize>(start.size())) && start == detail::archive_mark;
}

}  // namespace amq
