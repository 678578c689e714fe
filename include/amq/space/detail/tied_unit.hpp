// Layers that share a gene, as a format_space sees them: a partition of the layers, and each part as one layer.
#pragma once

#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"

namespace amq::detail {

/// All of 0 .. size - 1, each once: these groups, and every other number on its own, in the order of their first
/// members. Throws precondition_error for a number out of range or in two groups.
inline std::vector<std::vector<index>> complete_partition(std::vector<std::vector<index>> const& groups, index size) {
  std::vector<index> group_of(static_cast<std::size_t>(size), -1);
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (index const member : groups[g]) {
      AMQ_EXPECTS(member >= 0 && member < size,
                  "tied layers are numbers below " + std::to_string(size) + ", not " + std::to_string(member));
      auto& owner = group_of[static_cast<std::size_t>(member)];
      AMQ_EXPECTS(owner < 0, "layer " + std::to_string(member) + " is in two tied groups; merge them");
      owner = static_cast<index>(g);
    }
  std::vector<std::vector<index>> parts;
  std::vector<index> part_of_group(groups.size(), -1);
  for (index i = 0; i < size; ++i) {
    index const group = group_of[static_cast<std::size_t>(i)];
    if (group < 0) {
      parts.push_back({i});
      continue;
    }
    auto& part = part_of_group[static_cast<std::size_t>(group)];
    if (part < 0) {
      part = std::ssize(parts);
      parts.emplace_back();
    }
    parts[static_cast<std::size_t>(part)].push_back(i);
  }
  return parts;
}

/// As many weights as the members have together, with rows of the longest length that divides all of theirs, so that a
/// group which divides each of them divides it. Named by the first and the last parts of the others' names.
inline linear_layer as_one_layer(std::span<linear_layer const> layers, std::span<index const> members) {
  linear_layer unit = layers[static_cast<std::size_t>(members.front())];
  if (members.size() == 1) return unit;
  index weights = 0;
  for (index const member : members) {
    auto const& each = layers[static_cast<std::size_t>(member)];
    weights += each.rows * each.cols;
    unit.cols = std::gcd(unit.cols, each.cols);
    if (member != members.front()) unit.name += "+" + each.name.substr(each.name.rfind('.') + 1);
  }
  unit.rows = weights / unit.cols;
  return unit;
}

}  // namespace amq::detail
