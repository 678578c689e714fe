// Configurations as people keep them: a JSON object with the group and each layer's bits by name.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/format_check.hpp"
#include "amq/io/atomic_file.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/json.hpp"

namespace amq {

/// A configuration outside of any space: the group that all layers share and one width a layer, in checkpoint order.
struct layer_bits {
  int group = 128;  ///< inputs that share a scale and a zero; format::whole_row (-1) for all of a row
  std::vector<int> bits;

  friend bool operator==(layer_bits const&, layer_bits const&) = default;
};

/// `{"group_size": 128, "bits": {"model.layers.0.self_attn.q_proj": 2, ...}}`, layers in checkpoint order.
inline nlohmann::ordered_json to_json(std::span<linear_layer const> layers, layer_bits const& chosen) {
  AMQ_EXPECTS(chosen.bits.size() == layers.size(), "to_json needs one width for each of " +
                                                       std::to_string(layers.size()) + " layers, not " +
                                                       std::to_string(chosen.bits.size()));
  auto bits = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < layers.size(); ++i) bits[layers[i].name] = chosen.bits[i];
  return {{"group_size", chosen.group}, {"bits", std::move(bits)}};
}

/// What `to_json` wrote, read back: exactly these layers, widths from 2 to 8, and `expected_group` where one is given.
/// `file` only names the source in messages. Throws input_error otherwise.
inline layer_bits parse_configuration(nlohmann::json const& object, std::span<linear_layer const> layers,
                                      std::filesystem::path const& file, std::optional<int> expected_group = {}) {
  auto const name = detail::printable_path(file);
  layer_bits result{require<int>(object, "group_size", file), {}};
  int const asked = expected_group.value_or(result.group);
  if (result.group != asked)
    throw input_error(name + ": 'group_size' is " + std::to_string(result.group) + ", but the group asked for is " +
                      std::to_string(asked) + "; leave --group out or make them agree");
  auto const bits = object.find("bits");
  if (bits == object.end() || !bits->is_object())
    throw input_error(name + " lacks the object 'bits'; expected the bits of each linear layer by name");
  for (auto const& layer : layers) {
    if (!bits->contains(layer.name))
      throw input_error(name + ": 'bits' lacks the linear layer '" + layer.name + "'; expected all " +
                        std::to_string(layers.size()) + " layers of the model");
    result.bits.push_back(
        expect_between(require<int>(*bits, layer.name, file), lowest_bits, highest_bits, layer.name, file));
  }
  if (bits->size() == layers.size()) return result;
  std::set<std::string> known;
  for (auto const& layer : layers) known.insert(layer.name);
  for (auto const& [key, value] : bits->items())
    if (!known.contains(key))
      throw input_error(name + ": 'bits' names '" + detail::printable(key) +
                        "', which is not a linear layer of the model; `amq inspect` lists them");
  return result;
}

/// Reads a configuration file for a model with these layers. Throws input_error as `parse_configuration` does, for a
/// file that cannot be read, and for a group that does not divide a layer's inputs.
inline layer_bits read_configuration(std::filesystem::path const& file, std::span<linear_layer const> layers,
                                     std::optional<int> expected_group = {}) {
  auto result = parse_configuration(load_json(file), layers, file, expected_group);
  try {
    check_group(result.group, layers);
  } catch (input_error const& misfit) {
    throw input_error(detail::printable_path(file) + ": " + misfit.what());
  }
  return result;
}

/// Writes a configuration file, whole or not at all. Throws input_error when the place cannot be written.
inline void write_configuration(std::filesystem::path const& file, std::span<linear_layer const> layers,
                                layer_bits const& chosen) {
  write_file(file, to_json(layers, chosen).dump(1) + "\n");
}

}  // namespace amq
