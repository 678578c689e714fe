// A space seen by shares: what each layer contributes to a configuration's loss, instead of its bits.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/search_space.hpp"
#include "amq/core/error.hpp"
#include "amq/search/designs.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

/// Models search_space: a format_space with other features. Where layers' errors add up, a layer's error falls fourfold
/// with each bit, and alone at its lowest choice layer l adds sensitivities[l] to the loss `highest` of the all-highest
/// configuration, feature l is the part of a configuration's loss that comes from layer l. If a second quantizer errs
/// r_l times as much in layer l, its loss over the first one's is then linear in these features.
class share_space {
 public:
  /// One sensitivity for each free layer. Throws precondition_error for another number of them, or a loss not above 0.
  share_space(format_space space, std::vector<double> sensitivities, double highest)
      : space_(std::move(space)), layers_(variable_layers(space_)), highest_(highest) {
    AMQ_EXPECTS(sensitivities.size() == layers_.size() && highest > 0,
                "share_space needs one sensitivity for each of " + std::to_string(layers_.size()) +
                    " free layers, not " + std::to_string(sensitivities.size()) + ", and a loss above 0");
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      auto const choices = space_.choices(layers_[i]);
      double const least = fourfold(choices.back()), most = fourfold(choices.front());
      std::vector<double> added;
      for (format const f : choices)
        added.push_back(std::max(sensitivities[i], 0.0) * (fourfold(f) - least) / (most - least));
      added_.push_back(std::move(added));
    }
  }

  index size() const { return space_.size(); }
  std::span<format const> choices(index layer) const { return space_.choices(layer); }
  double average_bits(std::span<gene const> genes) const { return space_.average_bits(genes); }
  std::int64_t model_bytes(std::span<gene const> genes) const { return space_.model_bytes(genes); }
  bool pinned(index layer) const { return space_.pinned(layer); }
  index feature_count() const { return std::ssize(layers_); }

  /// Shares of the free layers, in checkpoint order; they add up to less than 1.
  void features(std::span<gene const> genes, std::span<double> out) const {
    AMQ_EXPECTS(std::ssize(out) == feature_count(), "share_space::features needs room for one share a free layer");
    double total = highest_;
    for (std::size_t i = 0; i < layers_.size(); ++i)
      total += out[i] = added_[i][genes[static_cast<std::size_t>(layers_[i])]];
    for (double& share : out) share /= total;
  }

 private:
  static double fourfold(format f) { return std::exp2(-2.0 * f.bits); }

  format_space space_;
  std::vector<index> layers_;
  double highest_;
  std::vector<std::vector<double>> added_;  ///< to the loss, by free layer and gene
};

static_assert(search_space<share_space>);

}  // namespace amq
