// A linear layer as archives name it: its formats, and its shape where somebody recorded it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
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

  /// True when bits alone tell the choices apart, as an archive needs: 1 to 256 choices, all of different bits.
  bool told_by_bits() const {
    for (std::size_t i = 0; i < choices.size(); ++i)
      if (gene_of(choices[i].bits) != i) return false;
    return !choices.empty();
  }

  /// The same layer with the same choices; shapes may be unknown to one side.
  friend bool operator==(archived_layer const& a, archived_layer const& b) {
    return a.name == b.name && a.choices == b.choices;
  }
};

}  // namespace amq
