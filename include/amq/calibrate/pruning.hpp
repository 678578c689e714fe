// Which heads and channels a structurally pruned model keeps: the least important go, wherever in the model they are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/calibrate/importance.hpp"
#include "amq/core/error.hpp"
#include "amq/model/config.hpp"

namespace amq {

struct pruning_options {
  double ratio = 0.2;      ///< of the linear layers' weights; at most that much is removed
  index multiple_of = 32;  ///< o_proj and down_proj keep multiples of this many inputs, for groups of quantization
};

/// What a block keeps, ascending.
struct block_pruning {
  std::vector<index> groups;    ///< key/value heads, each with the heads that share it
  std::vector<index> channels;  ///< of the feed-forward network
};

struct pruning_plan {
  std::vector<block_pruning> blocks;
  double removed = 0;  ///< share of the linear layers' weights
};

namespace detail {

/// Parts of one block that go together or not at all.
struct prunable_part {
  std::size_t block;
  bool is_heads;
  std::vector<index> members;
  double importance;  ///< of all members
  index weights;      ///< that go with them
};

/// Cuts `importance` into parts of `size` members, the least important first; the first has what is over. The last,
/// most important one is not among them: something must stay.
inline std::vector<prunable_part> prunable_parts(std::size_t block, bool is_heads,
                                                 std::vector<double> const& importance, index size,
                                                 index weights_each) {
  std::vector<index> order(importance.size());
  std::iota(order.begin(), order.end(), index{0});
  auto const of = [&](index i) { return importance[static_cast<std::size_t>(i)]; };
  std::stable_sort(order.begin(), order.end(), [&](index a, index b) { return of(a) < of(b); });
  std::vector<prunable_part> parts;
  index const count = std::ssize(order);
  for (index begin = 0, end = count % size == 0 ? size : count % size; end < count; begin = end, end += size) {
    prunable_part part{block, is_heads, {order.begin() + begin, order.begin() + end}, 0, (end - begin) * weights_each};
    for (index const member : part.members) part.importance += of(member);
    parts.push_back(std::move(part));
  }
  return parts;
}

/// The heads of one key/value head: how many of their groups make a multiple of `multiple` inputs of o_proj.
inline index groups_together(block_shape shape, index head_size, index multiple) {
  index const inputs = shape.heads / shape.key_value_heads * head_size;
  return multiple / std::gcd(multiple, inputs);
}

inline std::vector<prunable_part> all_parts(model_config const& config, std::span<block_importance const> importance,
                                            index multiple) {
  std::vector<prunable_part> all;
  for (std::size_t block = 0; block < importance.size(); ++block) {
    auto const shape = config.shape(static_cast<int>(block));
    index const heads_each = shape.heads / shape.key_value_heads;
    index const head_weights = 2 * (heads_each + 1) * config.head_size * config.hidden;
    auto add = [&](std::vector<prunable_part> parts) {
      for (auto& part : parts) all.push_back(std::move(part));
    };
    add(prunable_parts(block, true, importance[block].groups, groups_together(shape, config.head_size, multiple),
                       head_weights));
    add(prunable_parts(block, false, importance[block].channels, multiple, 3 * config.hidden));
  }
  return all;
}

inline index linear_weights_of(model_config const& config) {
  index weights = 0;
  for (int block = 0; block < config.blocks; ++block)
    weights += config.hidden * (2 * config.query_width(block) + 2 * config.key_value_width(block) +
                                3 * config.shape(block).intermediate);
  return weights;
}

/// Everything, before anything is removed.
inline std::vector<block_pruning> whole_model(model_config const& config) {
  std::vector<block_pruning> blocks(static_cast<std::size_t>(config.blocks));
  for (int block = 0; block < config.blocks; ++block) {
    auto& [groups, channels] = blocks[static_cast<std::size_t>(block)];
    groups.resize(static_cast<std::size_t>(config.shape(block).key_value_heads));
    channels.resize(static_cast<std::size_t>(config.shape(block).intermediate));
    std::iota(groups.begin(), groups.end(), index{0});
    std::iota(channels.begin(), channels.end(), index{0});
  }
  return blocks;
}

inline void remove_part(std::vector<block_pruning>& blocks, prunable_part const& part) {
  auto& kept = part.is_heads ? blocks[part.block].groups : blocks[part.block].channels;
  std::erase_if(kept, [&](index member) {
    return std::find(part.members.begin(), part.members.end(), member) != part.members.end();
  });
}

}  // namespace detail

/// Removes parts by importance a weight, the least first and over all blocks at once (a global ranking, so blocks end
/// up unequal), while no more than the ratio goes. Every block keeps at least its most important part of either kind.
/// Deterministic. Throws input_error for options out of range or a ratio that leaves less than that;
/// precondition_error for importances of another model.
inline pruning_plan choose_pruning(model_config const& config, std::span<block_importance const> importance,
                                   pruning_options options = {}) {
  if (!(options.ratio >= 0 && options.ratio < 1) || options.multiple_of < 1)
    throw input_error("cannot prune by a ratio of " + std::to_string(options.ratio) + " to multiples of " +
                      std::to_string(options.multiple_of) + "; expected a ratio from 0 to below 1 and at least 1");
  AMQ_EXPECTS(std::ssize(importance) == config.blocks, "choose_pruning got importances of " +
                                                           std::to_string(importance.size()) +
                                                           " blocks for a model of " + std::to_string(config.blocks));
  auto parts = detail::all_parts(config, importance, options.multiple_of);
  std::stable_sort(parts.begin(), parts.end(), [](auto const& a, auto const& b) {
    return a.importance * static_cast<double>(b.weights) < b.importance * static_cast<double>(a.weights);
  });
  auto const whole = static_cast<double>(detail::linear_weights_of(config));
  index most = 0;
  for (auto const& part : parts) most += part.weights;
  if (options.ratio > static_cast<double>(most) / whole)
    throw input_error("cannot prune by a ratio of " + std::to_string(options.ratio) + ": at most " +
                      std::to_string(static_cast<double>(most) / whole) +
                      " goes when every block keeps its most important heads and channels");
  pruning_plan plan{detail::whole_model(config), 0};
  index removed = 0;
  for (auto const& part : parts) {
    if (static_cast<double>(removed + part.weights) > options.ratio * whole) continue;
    removed += part.weights;
    detail::remove_part(plan.blocks, part);
  }
  plan.removed = static_cast<double>(removed) / whole;
  return plan;
}

}  // namespace amq
