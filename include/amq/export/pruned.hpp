// Writes a structurally pruned checkpoint: the rows and columns that a plan keeps, and their numbers in config.json.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/calibrate/pruning.hpp"
#include "amq/export/companions.hpp"
#include "amq/io/atomic_file.hpp"
#include "amq/io/safetensors_writer.hpp"
#include "amq/model/llama.hpp"

namespace amq {
namespace detail {

/// What of a tensor stays; an empty list stands for all.
struct kept_part {
  std::vector<index> rows;
  std::vector<index> cols;
};

/// Stretches of `width` elements, one after the other.
inline std::vector<index> stretches(std::span<index const> kept, index width) {
  std::vector<index> all;
  for (index const each : kept)
    for (index i = 0; i < width; ++i) all.push_back(each * width + i);
  return all;
}

/// By tensor name, of every tensor that loses something.
inline std::map<std::string, kept_part> kept_parts(llama const& model, pruning_plan const& plan) {
  std::map<std::string, kept_part> parts;
  auto const& config = model.config();
  for (auto const& linear : model.linears()) {
    auto const shape = config.shape(linear.block);
    auto const& kept = plan.blocks[static_cast<std::size_t>(linear.block)];
    auto const queries = stretches(kept.groups, shape.heads / shape.key_value_heads * config.head_size);
    kept_part part;
    switch (static_cast<linear_kind>(linear.kind)) {
      case linear_kind::query:
        part.rows = queries;
        break;
      case linear_kind::key:
      case linear_kind::value:
        part.rows = stretches(kept.groups, config.head_size);
        break;
      case linear_kind::output:
        part.cols = queries;
        break;
      case linear_kind::gate:
      case linear_kind::up:
        part.rows = kept.channels;
        break;
      case linear_kind::down:
        part.cols = kept.channels;
        break;
    }
    if (has_bias(config, linear.kind)) parts[linear.name + ".bias"] = {part.rows, {}};
    parts[linear.name + ".weight"] = std::move(part);
  }
  return parts;
}

inline std::vector<index> kept_shape(std::vector<index> shape, kept_part const& part) {
  if (!part.rows.empty()) shape[0] = std::ssize(part.rows);
  if (!part.cols.empty()) shape[1] = std::ssize(part.cols);
  return shape;
}

/// The kept elements as they are stored, row-major.
inline std::vector<std::byte> kept_bytes(tensor_view const& tensor, kept_part const& part) {
  auto const item = static_cast<std::size_t>(item_bytes(tensor.type));
  index const rows = tensor.shape[0], cols = tensor.shape.size() > 1 ? tensor.shape[1] : 1;
  std::vector<std::byte> bytes;
  auto const copy = [&](index element, index count) {
    auto const from =
        tensor.bytes.subspan(static_cast<std::size_t>(element) * item, static_cast<std::size_t>(count) * item);
    bytes.insert(bytes.end(), from.begin(), from.end());
  };
  auto const copy_row = [&](index row) {
    if (part.cols.empty()) return copy(row * cols, cols);
    for (index const col : part.cols) copy(row * cols + col, 1);
  };
  if (part.rows.empty())
    for (index row = 0; row < rows; ++row) copy_row(row);
  for (index const row : part.rows) copy_row(row);
  return bytes;
}

/// A number where all blocks have the same, else a list with one for each.
template <class Value>
nlohmann::ordered_json number_or_list(pruning_plan const& plan, Value const& value) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (std::size_t block = 0; block < plan.blocks.size(); ++block) list.push_back(value(block));
  bool const equal = std::all_of(list.begin(), list.end(), [&](auto const& each) { return each == list[0]; });
  return equal ? list[0] : list;
}

inline nlohmann::ordered_json pruned_entries(model_config const& config, pruning_plan const& plan) {
  auto const groups = [&](std::size_t block) { return std::ssize(plan.blocks[block].groups); };
  auto const heads = [&](std::size_t block) {
    auto const shape = config.shape(static_cast<int>(block));
    return shape.heads / shape.key_value_heads * groups(block);
  };
  auto const channels = [&](std::size_t block) { return std::ssize(plan.blocks[block].channels); };
  return {{"head_dim", config.head_size},
          {"num_attention_heads", number_or_list(plan, heads)},
          {"num_key_value_heads", number_or_list(plan, groups)},
          {"intermediate_size", number_or_list(plan, channels)}};
}

/// What is kept, by number in the checkpoint that was pruned.
inline nlohmann::ordered_json described(pruning_plan const& plan) {
  nlohmann::ordered_json blocks = nlohmann::ordered_json::array();
  for (auto const& block : plan.blocks)
    blocks.push_back({{"key_value_heads", block.groups}, {"channels", block.channels}});
  return {{"removed", plan.removed}, {"kept", blocks}};
}

}  // namespace detail

/// Writes into an existing, empty folder: one model.safetensors with every tensor of the checkpoint, its dtype and its
/// elements as they are but for those that the plan removes; config.json with `num_attention_heads`,
/// `num_key_value_heads` and `intermediate_size` as lists by block where blocks differ (load_config reads them; other
/// programs may not), `head_dim` beside them; pruning.json, which says what was kept; and the companions. Memory: one
/// tensor. Returns the bytes of the weights. Throws input_error when the disk refuses, precondition_error for a plan of
/// another model.
inline std::int64_t write_pruned(llama const& model, pruning_plan const& plan, std::filesystem::path const& folder) {
  AMQ_EXPECTS(std::ssize(plan.blocks) == model.blocks(), "write_pruned got a plan for " +
                                                             std::to_string(plan.blocks.size()) + " blocks, not " +
                                                             std::to_string(model.blocks()));
  auto const parts = detail::kept_parts(model, plan);
  auto const part_of = [&](std::string const& name) {
    auto const found = parts.find(name);
    return found == parts.end() ? detail::kept_part{} : found->second;
  };
  std::vector<tensor_header> headers;
  for (auto const& name : model.checkpoint().names()) {
    auto const& tensor = model.checkpoint().tensor(name);
    headers.push_back({name, tensor.type, detail::kept_shape(tensor.shape, part_of(name))});
  }
  detail::write_companions(model.checkpoint().folder(), folder, detail::pruned_entries(model.config(), plan));
  auto const target = folder / "model.safetensors";
  safetensors_writer writer(target, std::move(headers));
  for (auto const& name : model.checkpoint().names()) {
    auto const& tensor = model.checkpoint().tensor(name);
    auto const part = part_of(name);
    if (part.rows.empty() && part.cols.empty())
      writer.write(tensor.bytes);
    else
      writer.write(std::span<std::byte const>(detail::kept_bytes(tensor, part)));
  }
  writer.commit();
  write_file(folder / "pruning.json", detail::described(plan).dump() + "\n");
  return static_cast<std::int64_t>(std::filesystem::file_size(target));
}

}  // namespace amq
