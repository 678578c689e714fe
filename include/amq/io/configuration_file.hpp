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

namespace detail {

inline constexpr int no_common_group = 0;

/// The group that all layers share, when bits alone then tell their formats.
inline int common_group(std::span<format const> formats) {
  for (format const f : formats)
    if (f != format{f.bits, formats.front().group} || f.kept()) return no_common_group;
  return formats.empty() ? no_common_group : formats.front().group;
}

/// Every layer's entry in an object, and nothing else. `read(value of the entry, layer)` -> format.
template <class Read>
std::vector<format> read_each_layer(nlohmann::json const& object, char const* key, std::span<linear_layer const> layers,
                                    std::filesystem::path const& file, Read const& read) {
  auto const name = printable_path(file);
  auto const entries = object.find(key);
  if (entries == object.end() || !entries->is_object())
    throw input_error(name + " lacks the object '" + key + "'; expected the " + key + " of each linear layer by name");
  std::vector<format> formats;
  for (auto const& layer : layers) {
    if (!entries->contains(layer.name))
      throw input_error(name + ": '" + key + "' lacks the linear layer '" + layer.name + "'; expected all " +
                        std::to_string(layers.size()) + " layers of the model");
    formats.push_back(read(*entries, layer));
  }
  if (entries->size() == layers.size()) return formats;
  std::set<std::string> known;
  for (auto const& layer : layers) known.insert(layer.name);
  for (auto const& [entry, value] : entries->items())
    if (!known.contains(entry))
      throw input_error(name + ": '" + key + "' names '" + printable(entry) +
                        "', which is not a linear layer of the model; `amq inspect` lists them");
  return formats;
}

}  // namespace detail

/// A configuration outside of any space, one format a layer in checkpoint order:
/// `{"group_size": 128, "bits": {"model.layers.0.self_attn.q_proj": 2, ...}}` where all layers share a group, else
/// `{"formats": {"model.layers.0.self_attn.q_proj": "2g64", ...}}` by their spellings.
inline nlohmann::ordered_json to_json(std::span<linear_layer const> layers, std::span<format const> formats) {
  AMQ_EXPECTS(formats.size() == layers.size(), "to_json needs one format for each of " + std::to_string(layers.size()) +
                                                   " layers, not " + std::to_string(formats.size()));
  auto entries = nlohmann::ordered_json::object();
  auto const group = detail::common_group(formats);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (group != detail::no_common_group)
      entries[layers[i].name] = formats[i].bits;
    else
      entries[layers[i].name] = spelling(formats[i]);
  }
  if (group == detail::no_common_group) return {{"formats", std::move(entries)}};
  return {{"group_size", group}, {"bits", std::move(entries)}};
}

/// What `to_json` wrote, read back: exactly these layers, widths from 2 to 8 or spellings of formats, and
/// `expected_group` where one is given. `file` only names the source in messages. Throws input_error otherwise.
inline std::vector<format> parse_configuration(nlohmann::json const& object, std::span<linear_layer const> layers,
                                               std::filesystem::path const& file,
                                               std::optional<int> expected_group = {}) {
  auto const name = detail::printable_path(file);
  if (object.is_object() && object.contains("formats"))
    return detail::read_each_layer(
        object, "formats", layers, file, [&](nlohmann::json const& entries, auto const& layer) {
          auto const text = require<std::string>(entries, layer.name, file);
          auto const parsed = parse_format(text);
          if (!parsed)
            throw input_error(name + ": '" + detail::printable(text) + "' of " + layer.name +
                              " is no format; expected spellings such as 3g128, 4grow, stack4 or kept16");
          return *parsed;
        });
  int const group = require<int>(object, "group_size", file);
  if (expected_group && *expected_group != group)
    throw input_error(name + ": 'group_size' is " + std::to_string(group) + ", but the group asked for is " +
                      std::to_string(*expected_group) + "; leave --group out or make them agree");
  return detail::read_each_layer(object, "bits", layers, file, [&](nlohmann::json const& entries, auto const& layer) {
    return format{expect_between(require<int>(entries, layer.name, file), lowest_bits, highest_bits, layer.name, file),
                  group};
  });
}

/// Reads a configuration file for a model with these layers. Throws input_error as `parse_configuration` does, for a
/// file that cannot be read, and for a group that does not divide a layer's inputs.
inline std::vector<format> read_configuration(std::filesystem::path const& file, std::span<linear_layer const> layers,
                                              std::optional<int> expected_group = {}) {
  auto const formats = parse_configuration(load_json(file), layers, file, expected_group);
  try {
    if (int const group = detail::common_group(formats); group != detail::no_common_group) {
      check_group(group, layers);
    } else {
      for (std::size_t i = 0; i < layers.size(); ++i)
        if (!formats[i].kept() && !formats[i].stacked()) check_group(formats[i].group, layers.subspan(i, 1));
    }
  } catch (input_error const& misfit) {
    throw input_error(detail::printable_path(file) + ": " + misfit.what());
  }
  return formats;
}

/// Writes a configuration file, whole or not at all. Throws input_error when the place cannot be written.
inline void write_configuration(std::filesystem::path const& file, std::span<linear_layer const> layers,
                                std::span<format const> formats) {
  write_file(file, to_json(layers, formats).dump(1) + "\n");
}

}  // namespace amq
