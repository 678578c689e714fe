// Sensitivities in the files that AMQ's own code writes: a JSON object of losses by layer, or a CSV of two lines.
#pragma once

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/layer_name.hpp"
#include "amq/io/detail/text_table.hpp"
#include "amq/io/exchanged_archive.hpp"
#include "amq/io/json.hpp"

namespace amq {

/// Loss with one layer alone at the lowest width, by the layer's name in that file (`31.mlp.down_proj`).
using losses_by_layer = std::map<std::string, double>;

namespace detail {

inline void add_sensitivity(losses_by_layer& losses, std::string_view name, double loss, std::string const& file) {
  if (!std::isfinite(loss)) throw input_error(file + ": the loss of '" + printable(name) + "' is not a finite number");
  if (!losses.emplace(name, loss).second)
    throw input_error(file + " names the layer '" + printable(name) + "' twice; expected one loss for each layer");
}

inline losses_by_layer read_sensitivity_json(std::filesystem::path const& file) {
  auto const object = load_json(file);
  auto const found = object.find("loss");
  if (found == object.end() || !found->is_object() || found->empty())
    throw input_error(printable_path(file) + " lacks the object 'loss'; expected losses by layer");
  losses_by_layer losses;
  for (auto const& [name, loss] : found->items())
    add_sensitivity(losses, name, json_value<double>(loss, name, file), printable_path(file));
  return losses;
}

inline losses_by_layer read_sensitivity_lines(std::filesystem::path const& file) {
  line_reader lines(file, "sensitivities as CSV");
  lines.next();
  auto const names = split(lines.line(), ',');
  if (!lines.next()) lines.refuse("expected a second line with one loss for each name of the first");
  auto const values = split(lines.line(), ',');
  if (values.size() != names.size())
    lines.refuse(std::to_string(values.size()) + " losses for " + std::to_string(names.size()) +
                 " names; expected as many");
  losses_by_layer losses;
  for (std::size_t i = 0; i < names.size(); ++i)
    add_sensitivity(losses, trimmed(names[i]), lines.number<double>(values[i], trimmed(names[i])),
                    printable_path(file));
  while (lines.next())
    if (!lines.line().empty()) lines.refuse("expected two lines: names, then losses");
  return losses;
}

}  // namespace detail

/// Reads `{"loss": {"0.self_attn.q_proj": 0.011, ...}, ...}` (AMQ's amq_sensitivity.py), or a line of such names and a
/// line of losses (its predecessor's). Throws input_error for anything else.
inline losses_by_layer read_amq_sensitivities(std::filesystem::path const& file) {
  std::ifstream stream(file, std::ios::binary);
  char first = ' ';
  while (stream.get(first) && std::isspace(static_cast<unsigned char>(first)) != 0) {
  }
  return first == '{' ? detail::read_sensitivity_json(file) : detail::read_sensitivity_lines(file);
}

/// The archive of these measurements: in evaluation i, layer i alone takes the lowest of `formats` and the others the
/// highest. Names match by block and matrix, whatever comes before them. Throws input_error, naming the layer, unless
/// there is one loss for each of `layers`. `file` only names the source in messages.
inline exchanged_archive sensitivity_archive(std::span<linear_layer const> layers, std::span<format const> formats,
                                             losses_by_layer const& losses, std::filesystem::path const& file) {
  AMQ_EXPECTS(!layers.empty() && formats.size() >= 2, "sensitivities need layers, and two formats or more");
  exchanged_archive archive;
  for (auto const& layer : layers)
    archive.layers.push_back({layer.name, {formats.begin(), formats.end()}, layer.rows, layer.cols});
  configuration const highest(layers.size(), static_cast<gene>(formats.size() - 1));
  auto const same = [](std::optional<layer_name> const& a, std::optional<layer_name> const& b) {
    return a && b && a->block == b->block && a->matrix == b->matrix;
  };
  for (std::size_t i = 0; i < layers.size(); ++i) {
    auto const wanted = parse_layer_name(layers[i].name);
    auto const found = std::find_if(losses.begin(), losses.end(), [&](auto const& known) {
      return known.first == layers[i].name || same(parse_layer_name(known.first), wanted);
    });
    if (found == losses.end())
      throw input_error(detail::printable_path(file) + " has no loss of the layer '" + layers[i].name +
                        "'; expected one for each linear layer of the model");
    evaluation e;
    e.configuration = highest;
    e.configuration[i] = 0;
    e.loss = found->second;
    e.phase = phase::sensitivity;
    e.average_bits = detail::exchanged_average_bits(archive.layers, e.configuration);
    e.model_bytes = (detail::exchanged_linear_bits(archive.layers, e.configuration) + 7) / 8;
    archive.evaluations.push_back(std::move(e));
  }
  if (losses.size() != layers.size())
    throw input_error(detail::printable_path(file) + " has losses of " + std::to_string(losses.size()) +
                      " layers; the model has " + std::to_string(layers.size()));
  return archive;
}

/// Losses of `layer,rows,cols,jsd_alone_at_2_bits`, the file that landscapes are made of, taken out of an archive that
/// measured each layer alone at its lowest choice. Throws input_error, naming the layer, where that is missing, is not
/// at 2 bits, or shapes are unknown.
inline std::string sensitivity_csv(exchanged_archive const& archive, std::filesystem::path const& file) {
  std::string csv = "layer,rows,cols,jsd_alone_at_2_bits\n";
  configuration highest;
  for (auto const& layer : archive.layers) highest.push_back(static_cast<gene>(layer.choices.size() - 1));
  for (std::size_t i = 0; i < archive.layers.size(); ++i) {
    auto const& layer = archive.layers[i];
    auto alone = highest;
    alone[i] = 0;
    auto const found = std::find_if(archive.evaluations.begin(), archive.evaluations.end(),
                                    [&](evaluation const& e) { return e.configuration == alone && e.fidelity == 1; });
    if (found == archive.evaluations.end() || layer.choices[0].bits != 2 || !(layer.rows > 0 && layer.cols > 0))
      throw input_error(detail::printable_path(file) + " does not tell the loss of '" + detail::printable(layer.name) +
                        "' alone at 2 bits, or its rows and columns; expected an archive that measured sensitivities");
    csv += layer.name + "," + std::to_string(layer.rows) + "," + std::to_string(layer.cols) + "," +
           detail::exact(found->loss) + "\n";
  }
  return csv;
}

}  // namespace amq
