// What each layer costs at each choice, summed over a configuration: most of what the size of a configuration costs to
// know.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/format.hpp"

namespace amq::detail {

class cost_table {
 public:
  cost_table() = default;

  /// `cost(layer, format)` in bits, for each layer's choices.
  template <class Cost>
  cost_table(std::vector<std::vector<format>> const& choices, Cost const& cost) {
    for (auto const& list : choices) columns_ = std::max(columns_, list.size() + 1);
    costs_.assign(choices.size() * columns_, no_such_choice);
    for (std::size_t layer = 0; layer < choices.size(); ++layer)
      for (std::size_t i = 0; i < choices[layer].size(); ++i)
        costs_[layer * columns_ + i] = cost(static_cast<index>(layer), choices[layer][i]);
  }

  /// Nothing when a gene is none of its layer's choices. One gene a layer.
  std::optional<std::int64_t> sum(std::span<gene const> genes) const {
    std::int64_t bits = 0, missing = 0;
    std::int64_t const* costs = costs_.data();
    for (std::size_t layer = 0; layer < genes.size(); ++layer, costs += columns_) {
      std::int64_t const cost = costs[std::min<std::size_t>(genes[layer], columns_ - 1)];
      bits += cost;
      missing |= cost;  // a sign that one of them is no_such_choice
    }
    return missing < 0 ? std::nullopt : std::optional(bits);
  }

 private:
  static constexpr std::int64_t no_such_choice = -1;

  std::size_t columns_ = 1;          // the most choices and one more, which no layer has
  std::vector<std::int64_t> costs_;  // (layers, columns)
};

}  // namespace amq::detail
