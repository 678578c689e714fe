// The linear layers an archive is about: their names, the formats they may take, and configurations written as bits.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/search_space.hpp"
#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/io/archived_layer.hpp"
#include "amq/io/format_json.hpp"

namespace amq {

/// The layers of a space under their names in the checkpoint; `linears` in checkpoint order, as the space's layers are.
template <search_space Space>
std::vector<archived_layer> archived_layers(Space const& space, std::span<linear_layer const> linears) {
  AMQ_EXPECTS(space.size() == static_cast<index>(linears.size()), "the space has " + std::to_string(space.size()) +
                                                                      " layers and " + std::to_string(linears.size()) +
                                                                      " names were given");
  std::vector<archived_layer> layers;
  for (index i = 0; i < space.size(); ++i) {
    std::span<format const> const choices = space.choices(i);
    auto const& linear = linears[static_cast<std::size_t>(i)];
    layers.push_back({linear.name, {choices.begin(), choices.end()}, linear.rows, linear.cols});
  }
  return layers;
}

/// JSON text for the setting `space`: `[{"formats":[{"bits":2,"group":128},...],"name":"..."},...]`, with `rows` and
/// `cols` where they are known.
inline std::string space_setting(std::span<archived_layer const> layers) {
  auto json = nlohmann::json::array();
  for (auto const& layer : layers) {
    auto formats = nlohmann::json::array();
    for (auto const& choice : layer.choices) formats.push_back(format_json(choice));
    nlohmann::json item{{"name", layer.name}, {"formats", std::move(formats)}};
    if (layer.rows > 0 && layer.cols > 0) item.update({{"rows", layer.rows}, {"cols", layer.cols}});
    json.push_back(std::move(item));
  }
  return json.dump();
}

/// The inverse of space_setting; nothing when the text is something else.
inline std::optional<std::vector<archived_layer>> parse_space_setting(std::string const& text) {
  try {
    std::vector<archived_layer> layers;
    for (auto const& item : nlohmann::json::parse(text)) {
      archived_layer layer{
          item.at("name").get<std::string>(), {}, item.value("rows", index{0}), item.value("cols", index{0})};
      for (auto const& choice : item.at("formats")) layer.choices.push_back(parse_format_json(choice));
      if (!layer.distinct_choices()) return std::nullopt;
      layers.push_back(std::move(layer));
    }
    return layers;
  } catch (nlohmann::json::exception const&) {
    return std::nullopt;
  }
}

/// Translates between genes and the bits that people and other programs read: `[4,3,2]`.
class bits_table {
 public:
  /// Throws precondition_error when a layer has no choices, or the same twice.
  explicit bits_table(std::vector<archived_layer> layers) : layers_(std::move(layers)) {
    for (auto const& layer : layers_)
      AMQ_EXPECTS(layer.distinct_choices(), layer.name + " needs 1 to 256 choices, all of them different");
  }

  std::vector<archived_layer> const& layers() const { return layers_; }

  /// One gene for each layer, each of them one of its choices.
  bool covers(std::span<gene const> genes) const {
    if (genes.size() != layers_.size()) return false;
    for (std::size_t i = 0; i < genes.size(); ++i)
      if (genes[i] >= layers_[i].choices.size()) return false;
    return true;
  }

  /// JSON array of bits in checkpoint order, or of formats' spellings where bits do not tell choices apart. Throws
  /// precondition_error for genes that the table does not cover.
  std::string text(std::span<gene const> genes) const {
    AMQ_EXPECTS(covers(genes), "a configuration needs one gene for each of the " + std::to_string(layers_.size()) +
                                   " layers, each of them one of its choices");
    std::string bits = "[";
    for (std::size_t i = 0; i < genes.size(); ++i) bits.append(i ? "," : "").append(text(layers_[i], genes[i]));
    return bits.append("]");
  }

  /// The inverse of `text`; nothing when it is no such array or holds bits that a layer has no choice for.
  std::optional<configuration> genes(std::string const& text) const {
    auto const bits = nlohmann::json::parse(text, nullptr, false);
    if (!bits.is_array() || bits.size() != layers_.size()) return std::nullopt;
    configuration result;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      bool const readable = layers_[i].told_by_bits() ? bits[i].is_number_integer() : bits[i].is_string();
      if (!readable) return std::nullopt;
      auto const found = layers_[i].gene_labelled(bits[i].is_string() ? bits[i].get<std::string>() : bits[i].dump());
      if (!found) return std::nullopt;
      result.push_back(*found);
    }
    return result;
  }

 private:
  static std::string text(archived_layer const& layer, gene value) {
    return layer.told_by_bits() ? layer.label(value) : '"' + layer.label(value) + '"';
  }

  std::vector<archived_layer> layers_;
};

}  // namespace amq
