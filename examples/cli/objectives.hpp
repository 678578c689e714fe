// What a search trades quality against: bits, predicted seconds a token, or both.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/generate/latency_table.hpp"
#include "amq/generate/profile.hpp"
#include "amq/space/format_space.hpp"
#include "options.hpp"

namespace amq::cli {

/// As --objective and --profile say; throws input_error where they do not fit together.
class search_objectives {
 public:
  explicit search_objectives(search_options const& options) {
    for (auto const& name : options.objectives) {
      if (name != "bits" && name != "latency")
        throw input_error("--objective " + name + " is not offered; expected bits, latency, or bits,latency");
      (name == "bits" ? bits_ : latency_) = true;
    }
    if (latency_ && !options.profile)
      throw input_error(
          "--objective latency predicts from a table of times: give --profile F.json, which `amq profile` writes");
    if (!latency_ && options.profile)
      throw input_error("--profile is what --objective latency predicts from; name that objective, or leave it out");
    if (options.profile) table_ = latency_table::load(*options.profile);
  }

  bool latency_alone() const { return latency_ && !bits_; }
  bool both() const { return latency_ && bits_; }
  std::optional<latency_table> const& table() const { return table_; }

  std::string name() const { return both() ? "bits,latency" : latency_ ? "latency" : "bits"; }

  /// The space with the size that the search goes by. Throws input_error for choices that the profile lacks, and where
  /// no narrower choice is faster.
  format_space sized(format_space const& space) const {
    if (!latency_) return space;
    latency_objective(space, *table_);  // every choice has a time
    if (!latency_alone()) return space;
    auto sized = space.sized_by(
        [table = *table_](linear_layer const& layer, format f) { return table.product(layer.rows, layer.cols, f); });
    if (!(sized.average_bits(sized.lowest()) < sized.average_bits(sized.highest())) && !space.free_layers().empty())
      throw input_error(
          "by this profile no layer is faster in fewer bits than in its widest choice, so there is nothing to trade; "
          "search with --objective bits");
    return sized;
  }

  /// Objectives beside loss and size.
  std::vector<any_objective> further(format_space const& space) const {
    if (!both()) return {};
    return {latency_objective(space, *table_)};
  }

 private:
  bool bits_ = false;
  bool latency_ = false;
  std::optional<latency_table> table_;
};

/// Predicted; a profile of another model is refused by what it lacks.
inline double tokens_per_second(latency_table const& table, format_space const& space, std::span<gene const> genes) {
  return 1 / table.token_seconds(space.source_layers(), space.formats(genes));
}

}  // namespace amq::cli
