// A linear layer as archives name it: its formats, and its shape where somebody recorded it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/format.hpp"

namespace amq {

/// A linear layer and its choices, fewest bits first; gene i stands for choices[i].
struct archived_layer {
  std::string name;
  std::vector<format> choices;
  index rows = 0;  ///< outputs; 0 where nobody recorded it
  index cols = 0;  ///< inputs; likewise

  /// The gene of the choice with so many bits; nothing when there is none.
  std::optional<gene> gene_of(std::int64_t bits) const {
    for (std::size_t i = 0; i < choices.size(); ++i)
      if (choices[i].bits == bits) return static_cast<gene>(i);
    return std::nullopt;
  }

  /// True when bits alone tell the choices apart, as they do among affine formats of one group.
  bool told_by_bits() const {
    for (std::size_t i = 0; i < choices.size(); ++i)
      if (choices[i].stacked() || gene_of(choices[i].bits) != i) return false;
    return !choices.empty();
  }

  /// What archives write for a gene: the bits where they tell the choices apart, else the format's spelling. The gene
  /// must be one of the choices.
  std::string label(gene value) const {
    return told_by_bits() ? std::to_string(choices[value].bits) : spelling(choices[value]);
  }

  /// The inverse of `label`; nothing for a text that stands for no choice.
  std::optional<gene> gene_labelled(std::string_view text) const {
    for (std::size_t i = 0; i < choices.size(); ++i)
      if (label(static_cast<gene>(i)) == text) return static_cast<gene>(i);
    return std::nullopt;
  }

  /// 1 to 256 choices, all different, as an archive needs.
  bool distinct_choices() const {
    for (std::size_t i = 0; i < choices.size(); ++i)
      if (gene_labelled(label(static_cast<gene>(i))) != i) return false;
    return !choices.empty() && choices.size() <= 256;
  }

  /// The same layer with the same choices; shapes may be unknown to one side.
  friend bool operator==(archived_layer const& a, archived_layer const& b) {
    return a.name == b.name && a.choices == b.choices;
  }
};

}  // namespace amq
