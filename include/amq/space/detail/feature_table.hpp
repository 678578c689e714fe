// Genes scaled to [0, 1]: a division a gene is what features would spend their time on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "amq/core/configuration.hpp"

namespace amq::detail {

class feature_table {
 public:
  feature_table() = default;

  /// The genes of `layers`, in that order, each divided by `highest_gene(layer)`, which is above 0.
  template <class HighestGene>
  feature_table(std::span<index const> layers, HighestGene const& highest_gene) {
    std::vector<int> highest;
    for (index const layer : layers) {
      auto const known = std::find(highest.begin(), highest.end(), highest_gene(layer));
      places_.push_back({static_cast<std::uint32_t>(layer), static_cast<std::uint32_t>(genes_a_scale) *
                                                                static_cast<std::uint32_t>(known - highest.begin())});
      if (known != highest.end()) continue;
      highest.push_back(highest_gene(layer));
      for (std::size_t value = 0; value < genes_a_scale; ++value)
        scaled_.push_back(static_cast<double>(value) / highest.back());
    }
  }

  void of(std::span<gene const> genes, std::span<double> out) const {
    for (std::size_t k = 0; k < out.size(); ++k) out[k] = scaled_[places_[k].scale + genes[places_[k].layer]];
  }

 private:
  /// A layer, and where its genes' features begin in scaled_.
  struct place {
    std::uint32_t layer, scale;
  };

  static constexpr std::size_t genes_a_scale = 256;

  std::vector<place> places_;
  std::vector<double> scaled_;  // (distinct highest genes, all genes)
};

}  // namespace amq::detail
