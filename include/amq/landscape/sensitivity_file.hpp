// Reads what was measured of a real model, layer by layer: the raw material of landscapes.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <istream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/layer_name.hpp"
#include "amq/landscape/detail/text_lines.hpp"

namespace amq {

/// The linear layers of a model and what each does alone: sensitivities[l] is the loss (JSD, nats a position) with
/// layer l at 2 bits and every other layer at 4.
struct sensitivity_table {
  std::vector<linear_layer> layers;
  std::vector<double> sensitivities;
};

namespace detail {

inline constexpr std::string_view sensitivity_header = "layer,rows,cols,jsd_alone_at_2_bits";

class sensitivity_reader {
 public:
  sensitivity_reader(std::istream& file, std::string source) : lines_(file, std::move(source)) {}

  sensitivity_table read() {
    if (!lines_.next() || lines_.text() != sensitivity_header)
      lines_.refuse("begins with '" + lines_.text().substr(0, 80) + "'; expected the header '" +
                    std::string(sensitivity_header) + "'");
    while (lines_.next())
      if (!lines_.text().empty()) add(lines_.cells());
    if (table_.layers.empty())
      lines_.refuse("names no layer; expected one line for each linear layer after the header");
    place_by_name(table_.layers);
    return std::move(table_);
  }

 private:
  void add(std::vector<std::string_view> const& cells) {
    if (cells.size() != 4)
      lines_.refuse("has " + std::to_string(cells.size()) + " cells; expected layer, rows, cols, loss");
    linear_layer layer{std::string(cells[0]), lines_.number<index>(cells[1]), lines_.number<index>(cells[2]), 0, 0};
    double const loss = lines_.number<double>(cells[3]);
    if (layer.rows < 1 || layer.cols < 1) lines_.refuse("a layer needs at least one row and one column");
    if (!(loss > 0 && loss < std::log(2.0)))
      lines_.refuse("the loss '" + std::string(cells[3].substr(0, 40)) +
                    "' is no Jensen-Shannon divergence; expected a number between 0 and ln 2");
    auto const name = parse_layer_name(layer.name);
    if (!name)
      lines_.refuse("'" + layer.name.substr(0, 80) +
                    "' names no block; expected a name like model.layers.3.mlp.up_proj");
    layer.block = name->block;
    expect_order(layer);
    table_.layers.push_back(std::move(layer));
    table_.sensitivities.push_back(loss);
  }

  void expect_order(linear_layer const& layer) const {
    auto const same = [&](linear_layer const& other) { return other.name == layer.name; };
    if (std::any_of(table_.layers.begin(), table_.layers.end(), same))
      lines_.refuse("the layer '" + layer.name.substr(0, 80) + "' is named a second time");
    if (!table_.layers.empty() && layer.block < table_.layers.back().block)
      lines_.refuse("the layer '" + layer.name.substr(0, 80) +
                    "' comes after a later block; expected checkpoint order");
  }

  text_lines lines_;
  sensitivity_table table_;
};

}  // namespace detail

/// Reads `layer,rows,cols,jsd_alone_at_2_bits` (that header, then one line a layer in checkpoint order; `source` names
/// the stream in messages). Throws input_error with the line and what is wrong with it. O(layers^2).
inline sensitivity_table read_sensitivities(std::istream& file, std::string source) {
  return detail::sensitivity_reader(file, std::move(source)).read();
}

/// The same of a file.
inline sensitivity_table read_sensitivities(std::filesystem::path const& path) {
  std::ifstream file(path);
  if (!file) throw input_error(path.string() + " cannot be opened; expected a CSV file of layer sensitivities");
  return read_sensitivities(file, path.string());
}

}  // namespace amq
