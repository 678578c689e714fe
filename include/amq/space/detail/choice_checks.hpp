// Whether lists of choices make a space, and whether files of a target can hold them.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/format_check.hpp"
#include "amq/space/target.hpp"

namespace amq::detail {

inline std::string spellings(std::span<format const> choices) {
  std::string list;
  for (format const f : choices) list += (list.empty() ? "" : ", ") + spelling(f);
  return list;
}

inline bool grouped(format f) { return !f.kept() && !f.stacked(); }

/// Each group in use is checked over the layers that may take it, so that a message can speak of all of them.
inline void check_groups(std::span<linear_layer const> layers, std::span<std::vector<format> const> choices) {
  std::vector<int> groups;
  for (auto const& list : choices)
    for (format const f : list)
      if (grouped(f) && std::find(groups.begin(), groups.end(), f.group) == groups.end()) groups.push_back(f.group);
  for (int const group : groups) {
    std::vector<linear_layer> users;
    for (std::size_t layer = 0; layer < layers.size(); ++layer)
      if (std::any_of(choices[layer].begin(), choices[layer].end(),
                      [group](format f) { return grouped(f) && f.group == group; }))
        users.push_back(layers[layer]);
    check_group(group, users);
  }
}

/// Throws precondition_error for a list that is empty, longer than a gene can count or does not rise in what it costs,
/// input_error for a group that does not divide a layer's inputs.
inline void check_choices(std::span<linear_layer const> layers, std::span<std::vector<format> const> choices) {
  constexpr std::size_t most = 256;  // what a gene can count
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    auto const& l = layers[layer];
    auto const& list = choices[layer];
    AMQ_EXPECTS(!list.empty() && list.size() <= most,
                "the layer " + l.name + " needs 1 to 256 choices, not " + std::to_string(list.size()));
    auto const not_rising = [&l](format a, format b) {
      return a.stored_bits(l.rows, l.cols) >= b.stored_bits(l.rows, l.cols);
    };
    AMQ_EXPECTS(std::adjacent_find(list.begin(), list.end(), not_rising) == list.end(),
                "the choices of layer " + l.name + " must have rising bits, not " + spellings(list));
  }
  check_groups(layers, choices);
}

/// Throws input_error that names the first three layers and choices which files of `wanted` cannot hold.
inline void expect_holdable(std::span<linear_layer const> layers, std::span<std::vector<format> const> choices,
                            target const& wanted) {
  constexpr index named = 3;
  index misfits = 0;
  std::string list;
  for (std::size_t layer = 0; layer < layers.size(); ++layer)
    for (format const f : choices[layer]) {
      auto const why = wanted.refusal(layers[layer], f);
      if (why.empty() || misfits++ >= named) continue;
      list += (misfits > 1 ? "; " : "") + layers[layer].name + " at " + spelling(f) + " (" + why + ")";
    }
  if (misfits == 0) return;
  if (misfits > named) list += "; and " + std::to_string(misfits - named) + " more";
  throw input_error("files of the format " + wanted.name + " cannot hold " + list);
}

}  // namespace amq::detail
