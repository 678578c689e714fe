// The lines of an archive as CSV: layers, and evaluations as rows.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/io/detail/phase_name.hpp"
#include "amq/io/detail/text_table.hpp"
#include "amq/io/exchanged_archive.hpp"

namespace amq::detail {

constexpr char const* archive_mark = "# amq archive ";
constexpr int archive_csv_version = 1;

inline std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  return text;
}

/// "# name: value" -> name and value; without a colon: no name.
inline std::pair<std::string_view, std::string_view> comment_parts(std::string_view line) {
  auto const text = trimmed(line.substr(1));
  auto const colon = text.find(':');
  if (colon == std::string_view::npos) return {};
  return {trimmed(text.substr(0, colon)), trimmed(text.substr(colon + 1))};
}

/// "3/128", or the spelling of a format of another kind.
inline std::string format_word(format f) {
  if (f == format{f.bits, f.group}) return std::to_string(f.bits) + "/" + std::to_string(f.group);
  return spelling(f);
}

inline format parse_format_word(std::string_view word, line_reader const& lines) {
  auto const slash = word.find('/');
  if (slash == std::string_view::npos) {
    auto const spelled = parse_format(word);
    if (!spelled)
      lines.refuse("the format '" + printable(word, 20) +
                   "'; expected bits/group, as in 4/128, or a spelling such as " + "3g128+8 or stack4");
    return *spelled;
  }
  format const f{lines.number<int>(word.substr(0, slash), "bits"), lines.number<int>(word.substr(slash + 1), "group")};
  if (f.bits < 1 || f.bits > 32 || (f.group < 1 && f.group != format::whole_row))
    lines.refuse("the format '" + printable(word, 20) + "'; expected 1 to 32 bits, and a group of 1 or more or -1");
  return f;
}

/// "NAME ROWS COLS 2/128 3/128 4/128"
inline std::string layer_line(archived_layer const& layer) {
  bool const holdable = !layer.name.empty() && layer.name.find_first_of(",\"# \t\r\n") == std::string::npos;
  if (!holdable)
    throw input_error("the layer '" + printable(layer.name) +
                      "' cannot be a column of a CSV file: its name is empty or has blanks, commas, quotes or #");
  std::string line = layer.name + " " + std::to_string(layer.rows) + " " + std::to_string(layer.cols);
  for (format const f : layer.choices) line += " " + format_word(f);
  return line;
}

inline archived_layer parse_layer(std::string_view text, line_reader const& lines) {
  auto const parts = split(text, ' ');
  if (parts.size() < 4) lines.refuse("expected '# layer: NAME ROWS COLS 2/128 4/128', formats as bits/group");
  archived_layer layer{
      std::string(parts[0]), {}, lines.number<index>(parts[1], "rows"), lines.number<index>(parts[2], "cols")};
  constexpr index most = index{1} << 22;  // no sum of bits overflows
  if (layer.rows < 0 || layer.cols < 0 || layer.rows > most || layer.cols > most)
    lines.refuse("a layer of " + std::to_string(layer.rows) + " x " + std::to_string(layer.cols) +
                 " weights; expected two sizes, or 0 0 where they are not known");
  for (std::size_t i = 3; i < parts.size(); ++i) {
    format const f = parse_format_word(parts[i], lines);
    auto const cost = [&layer](format one) {
      return layer.rows > 0 && layer.cols > 0 ? one.stored_bits(layer.rows, layer.cols) : std::int64_t{one.bits};
    };
    if (!layer.choices.empty() && cost(layer.choices.back()) >= cost(f))
      lines.refuse("the formats of " + printable(layer.name) + " do not rise in bits; expected fewest bits first");
    layer.choices.push_back(f);
  }
  return layer;
}

inline std::string row_text(evaluation const& e, std::span<archived_layer const> layers) {
  AMQ_EXPECTS(e.configuration.size() == layers.size(), "an evaluation needs one gene for each of the " +
                                                           std::to_string(layers.size()) + " layers, not " +
                                                           std::to_string(e.configuration.size()));
  std::string row = std::string(to_string(e.phase)) + "," + std::to_string(e.batch) + "," + exact(e.fidelity) + "," +
                    exact(e.loss) + "," + exact(e.average_bits) + "," + std::to_string(e.model_bytes) + "," +
                    exact(e.seconds) + ",";
  for (std::size_t i = 0; i < e.sequence_losses.size(); ++i)
    row.append(i == 0 ? "" : " ").append(exact(e.sequence_losses[i]));
  for (std::size_t i = 0; i < layers.size(); ++i) {
    AMQ_EXPECTS(e.configuration[i] < layers[i].choices.size(),
                layers[i].name + " has no choice of gene " + std::to_string(e.configuration[i]));
    row += "," + layers[i].label(e.configuration[i]);
  }
  return row;
}

/// Where each value stands in a row, learnt from the header; reads rows.
class archive_columns {
 public:
  /// The current line is the header.
  archive_columns(std::span<archived_layer const> layers, line_reader const& lines) {
    auto const header = split(lines.line(), ',');
    count_ = header.size();
    for (std::size_t c = 0; c < known.size(); ++c) places_[c] = find(header, known[c], lines);
    for (auto const& layer : layers) {
      auto const place = find(header, layer.name, lines);
      if (!place) lines.refuse("no column is named '" + printable(layer.name) + "'; expected one for every layer");
      genes_.push_back(*place);
    }
    if (!places_[loss]) lines.refuse("no column is named 'loss'; expected " + known_names());
    if (!places_[average_bits] && !shapes_known(layers))
      lines.refuse(
          "neither the column 'average_bits' nor the layers' rows and columns are there; expected one of them");
    for (auto const& name : header)
      if (std::ranges::find(known, trimmed(name)) == known.end() &&
          std::ranges::find(layers, trimmed(name), &archived_layer::name) == layers.end())
        lines.refuse("the column '" + printable(name) + "' is no layer; expected " + known_names() +
                     ", or a layer's name");
  }

  /// The current line as an evaluation.
  evaluation read(std::span<archived_layer const> layers, line_reader const& lines) const {
    auto const fields = split(lines.line(), ',');
    if (fields.size() != count_)
      lines.refuse(std::to_string(fields.size()) + " values; expected " + std::to_string(count_) +
                   ", as many as the header has names");
    evaluation e;
    e.configuration = genes(fields, layers, lines);
    e.loss = lines.number<double>(fields[*places_[loss]], "loss");
    e.fidelity = value(fields, fidelity, 1.0, lines);
    if (!(e.fidelity > 0 && e.fidelity <= 1)) lines.refuse("'fidelity' is not above 0 and at most 1");
    e.batch = value(fields, batch, 0, lines);
    if (e.batch < 0) lines.refuse("'batch' is below 0; batches count up from 0");
    e.seconds = value(fields, seconds, 0.0, lines);
    e.phase = read_phase(fields, lines);
    bool const shapes = shapes_known(layers);
    e.average_bits = value(fields, average_bits, shapes ? exchanged_average_bits(layers, e.configuration) : 0.0, lines);
    e.model_bytes = value(fields, model_bytes,
                          shapes ? (exchanged_linear_bits(layers, e.configuration) + 7) / 8 : std::int64_t{0}, lines);
    if (places_[sequence_losses] && !trimmed(fields[*places_[sequence_losses]]).empty())
      for (auto const one : split(trimmed(fields[*places_[sequence_losses]]), ' '))
        e.sequence_losses.push_back(lines.number<double>(one, "sequence_losses"));
    return e;
  }

 private:
  enum column { phase_, batch, fidelity, loss, average_bits, model_bytes, seconds, sequence_losses };
  static constexpr std::array<std::string_view, 8> known{"phase",        "batch",       "fidelity", "loss",
                                                         "average_bits", "model_bytes", "seconds",  "sequence_losses"};

  static std::string known_names() {
    std::string names;
    for (auto const name : known) names.append(names.empty() ? "" : ", ").append(name);
    return names;
  }

  static std::optional<std::size_t> find(std::span<std::string_view const> header, std::string_view name,
                                         line_reader const& lines) {
    std::optional<std::size_t> place;
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (trimmed(header[i]) != name) continue;
      if (place) lines.refuse("two columns are named '" + printable(name) + "'; expected one");
      place = i;
    }
    return place;
  }

  template <class Number>
  Number value(std::span<std::string_view const> fields, column which, Number absent, line_reader const& lines) const {
    return places_[which] ? lines.number<Number>(fields[*places_[which]], known[which]) : absent;
  }

  phase read_phase(std::span<std::string_view const> fields, line_reader const& lines) const {
    if (!places_[phase_]) return phase::search;
    auto const named = phase_named(trimmed(fields[*places_[phase_]]));
    if (!named)
      lines.refuse("'phase' is '" + printable(fields[*places_[phase_]], 40) +
                   "'; expected uniform, sensitivity, initial or search");
    return *named;
  }

  configuration genes(std::span<std::string_view const> fields, std::span<archived_layer const> layers,
                      line_reader const& lines) const {
    configuration result(layers.size());
    for (std::size_t i = 0; i < layers.size(); ++i) {
      bool const by_bits = layers[i].told_by_bits();
      std::string const label = by_bits ? std::to_string(lines.number<int>(fields[genes_[i]], layers[i].name))
                                        : std::string(trimmed(fields[genes_[i]]));
      auto const found = layers[i].gene_labelled(label);
      if (!found)
        lines.refuse(printable(layers[i].name) + " has " + printable(label, 20) + (by_bits ? " bits" : "") +
                     ", which is none of the formats of its '# layer' line");
      result[i] = *found;
    }
    return result;
  }

  std::size_t count_ = 0;
  std::array<std::optional<std::size_t>, known.size()> places_;
  std::vector<std::size_t> genes_;
};

}  // namespace amq::detail
