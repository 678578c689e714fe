// The space of configurations: which formats each linear layer may take, and what a configuration costs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/format_check.hpp"

namespace amq {

/// Models search_space: a list of formats for each linear layer, fewest bits first. Sizes are counted as AMQ counts
/// them (arXiv 2509.12019, section 4): b + 32 / group bits a weight, over the linear layers only. A pinned layer keeps
/// its highest choice; it still has its gene in every configuration.
class format_space {
 public:
  /// `choices` has one list for each layer. `other_bytes`: everything in the model that is not a linear layer.
  /// Throws input_error when a group does not divide a layer's inputs; precondition_error when a list is empty, longer
  /// than a gene can count or not sorted by bits.
  format_space(std::vector<linear_layer> layers, std::vector<std::vector<format>> choices, std::int64_t other_bytes)
      : layers_(std::move(layers)),
        choices_(std::move(choices)),
        pinned_(layers_.size(), false),
        other_bytes_(other_bytes) {
    AMQ_EXPECTS(layers_.size() == choices_.size(), "format_space needs one list of choices for each of " +
                                                       std::to_string(layers_.size()) + " layers, not " +
                                                       std::to_string(choices_.size()));
    check_choices();
    for (auto const& list : choices_) cost_columns_ = std::max(cost_columns_, list.size() + 1);
    costs_.assign(layers_.size() * cost_columns_, no_such_choice);
    for (index layer = 0; layer < size(); ++layer) {
      auto const& l = layers_[at(layer)];
      weights_ += l.rows * l.cols;
      auto cost = costs_.begin() + layer * static_cast<index>(cost_columns_);
      for (format const f : this->choices(layer)) *cost++ = bits_of(l, f);
    }
    order_variables();
  }

  /// The same choices for every layer.
  format_space(std::vector<linear_layer> const& layers, std::vector<format> const& choices, std::int64_t other_bytes)
      : format_space(layers, std::vector(layers.size(), choices), other_bytes) {}

  index size() const { return static_cast<index>(layers_.size()); }
  std::span<linear_layer const> layers() const { return layers_; }
  std::span<format const> choices(index layer) const { return choices_[at(layer)]; }
  bool pinned(index layer) const { return pinned_[at(layer)]; }
  std::int64_t other_bytes() const { return other_bytes_; }

  /// Bits of all linear layers: codes, scales and zeros. Exact. O(layers), as all sizes below.
  std::int64_t linear_bits(std::span<gene const> genes) const {
    AMQ_EXPECTS(std::ssize(genes) == size(), "a configuration of this space has " + std::to_string(size()) +
                                                 " genes, not " + std::to_string(genes.size()));
    std::int64_t bits = 0, missing = 0;
    std::int64_t const* costs = costs_.data();
    for (std::size_t layer = 0; layer < genes.size(); ++layer, costs += cost_columns_) {
      std::int64_t const cost = costs[std::min<std::size_t>(genes[layer], cost_columns_ - 1)];
      bits += cost;
      missing |= cost;  // a sign that one of them is no_such_choice
    }
    if (missing < 0) expect_choices(genes);
    return bits;
  }

  /// Bits a weight of the linear layers, overhead included.
  double average_bits(std::span<gene const> genes) const {
    return static_cast<double>(linear_bits(genes)) / static_cast<double>(weights_);
  }

  /// Bytes of the linear layers; odd bits make a fraction.
  double linear_bytes(std::span<gene const> genes) const { return static_cast<double>(linear_bits(genes)) / 8; }

  /// Bytes of the whole model: linear layers, rounded up once, and everything else.
  std::int64_t model_bytes(std::span<gene const> genes) const { return (linear_bits(genes) + 7) / 8 + other_bytes_; }

  /// log10 of the number of configurations.
  double log10_configurations() const {
    double digits = 0;
    for (index layer : free_layers_) digits += std::log10(static_cast<double>(choices(layer).size()));
    return digits;
  }

  /// This space with these layers pinned as well.
  [[nodiscard]] format_space pin(std::span<index const> layers) const {
    format_space space = *this;
    for (index const layer : layers) {
      AMQ_EXPECTS(layer >= 0 && layer < size(),
                  "format_space::pin got layer " + std::to_string(layer) + " of " + std::to_string(size()));
      space.pinned_[at(layer)] = true;
    }
    space.order_variables();
    return space;
  }

  /// Layers whose gene can vary (not pinned, more than one choice), in checkpoint order.
  std::vector<index> free_layers() const {
    std::vector<index> layers = free_layers_;
    std::sort(layers.begin(), layers.end());
    return layers;
  }

  /// All layers in AMQ's order of variables: kind first, block second.
  std::span<index const> variable_order() const { return variable_order_; }

  /// The number of free layers: what a predictor sees of a configuration.
  index feature_count() const { return std::ssize(free_layers_); }

  /// Genes of the free layers in AMQ's order of variables, each scaled to [0, 1] by its highest choice.
  void features(std::span<gene const> genes, std::span<double> out) const {
    AMQ_EXPECTS(std::ssize(genes) == size() && std::ssize(out) == feature_count(),
                "format_space::features needs " + std::to_string(size()) + " genes and room for " +
                    std::to_string(feature_count()) + " features");
    for (std::size_t k = 0; k < out.size(); ++k)
      out[k] = scaled_genes_[feature_places_[k].scale + genes[feature_places_[k].layer]];
  }

  /// Every free layer at this choice (at its highest, where it has fewer), pinned ones at their highest.
  configuration uniform(gene choice) const {
    configuration genes = highest();
    for (index layer : free_layers_) genes[at(layer)] = std::min(choice, genes[at(layer)]);
    return genes;
  }

  configuration lowest() const { return uniform(0); }

  configuration highest() const {
    configuration genes(layers_.size());
    for (index layer = 0; layer < size(); ++layer) genes[at(layer)] = highest_gene(layer);
    return genes;
  }

  /// The most choices a free layer has: `uniform` makes that many different configurations.
  index uniform_count() const {
    index most = 1;
    for (index layer : free_layers_) most = std::max(most, std::ssize(choices_[at(layer)]));
    return most;
  }

  /// Whether this is a configuration of the space: as many genes as layers, each in range, pinned ones at the highest.
  bool contains(std::span<gene const> genes) const {
    if (std::ssize(genes) != size()) return false;
    for (index layer = 0; layer < size(); ++layer) {
      gene const value = genes[at(layer)];
      if (value > highest_gene(layer) || (pinned(layer) && value != highest_gene(layer))) return false;
    }
    return true;
  }

  /// Width of each layer's codes.
  std::vector<int> bits_by_layer(std::span<gene const> genes) const {
    AMQ_EXPECTS(std::ssize(genes) == size(), "a configuration of this space has " + std::to_string(size()) +
                                                 " genes, not " + std::to_string(genes.size()));
    std::vector<int> bits(layers_.size());
    for (index layer = 0; layer < size(); ++layer) bits[at(layer)] = choice(layer, genes[at(layer)]).bits;
    return bits;
  }

  /// The configuration with these widths. Throws input_error when a layer has no choice of its width, or is pinned to
  /// another one.
  configuration from_bits(std::span<int const> bits) const {
    AMQ_EXPECTS(std::ssize(bits) == size(), "format_space::from_bits needs " + std::to_string(size()) +
                                                " widths, not " + std::to_string(bits.size()));
    configuration genes(layers_.size());
    for (index layer = 0; layer < size(); ++layer) genes[at(layer)] = gene_of(layer, bits[at(layer)]);
    return genes;
  }

 private:
  /// A free layer, and where its genes' features begin in scaled_genes_.
  struct feature_place {
    std::uint32_t layer, scale;
  };

  static constexpr std::size_t genes_a_scale = 256;
  static constexpr std::int64_t no_such_choice = -1;

  static std::size_t at(index i) { return static_cast<std::size_t>(i); }

  gene highest_gene(index layer) const { return static_cast<gene>(choices_[at(layer)].size() - 1); }

  format choice(index layer, gene value) const {
    AMQ_EXPECTS(value <= highest_gene(layer), "the layer " + layers_[at(layer)].name + " has " +
                                                  std::to_string(choices(layer).size()) + " choices, so no gene " +
                                                  std::to_string(value));
    return choices_[at(layer)][value];
  }

  /// Throws for the first layer that has no such choice.
  void expect_choices(std::span<gene const> genes) const {
    for (index layer = 0; layer < size(); ++layer) choice(layer, genes[at(layer)]);
  }

  static std::int64_t bits_of(linear_layer const& layer, format f) {
    return layer.rows * (layer.cols * f.bits + 32 * f.groups(layer.cols));
  }

  gene gene_of(index layer, int bits) const {
    auto const has_width = [bits](format f) { return f.bits == bits; };
    auto const& list = choices_[at(layer)];
    auto const found = std::find_if(list.begin(), list.end(), has_width);
    if (found == list.end())
      throw input_error("the layer " + layers_[at(layer)].name + " is given " + std::to_string(bits) +
                        " bits, which is not among its choices: " + widths(layer));
    auto const value = static_cast<gene>(found - list.begin());
    if (pinned(layer) && value != highest_gene(layer))
      throw input_error("the layer " + layers_[at(layer)].name + " is given " + std::to_string(bits) +
                        " bits, but it is pinned to " + std::to_string(list.back().bits));
    return value;
  }

  std::string widths(index layer) const {
    std::string list;
    for (format const f : choices(layer)) list += (list.empty() ? "" : ", ") + std::to_string(f.bits);
    return list;
  }

  void check_choices() const {
    constexpr std::size_t most = 256;  // what a gene can count
    for (index layer = 0; layer < size(); ++layer) {
      auto const& list = choices_[at(layer)];
      AMQ_EXPECTS(
          !list.empty() && list.size() <= most,
          "the layer " + layers_[at(layer)].name + " needs 1 to 256 choices, not " + std::to_string(list.size()));
      auto const more_bits = [](format a, format b) { return a.bits >= b.bits; };
      AMQ_EXPECTS(std::adjacent_find(list.begin(), list.end(), more_bits) == list.end(),
                  "the choices of layer " + layers_[at(layer)].name + " must have rising bits, not " + widths(layer));
    }
    check_groups();
  }

  /// Each group in use is checked over the layers that may take it, so that a message can speak of all of them.
  void check_groups() const {
    std::vector<int> groups;
    for (auto const& list : choices_)
      for (format const f : list)
        if (!f.kept() && std::find(groups.begin(), groups.end(), f.group) == groups.end()) groups.push_back(f.group);
    for (int const group : groups) {
      std::vector<linear_layer> users;
      for (index layer = 0; layer < size(); ++layer)
        if (std::any_of(choices(layer).begin(), choices(layer).end(),
                        [group](format f) { return !f.kept() && f.group == group; }))
          users.push_back(layers_[at(layer)]);
      check_group(group, users);
    }
  }

  void order_variables() {
    variable_order_.resize(layers_.size());
    std::iota(variable_order_.begin(), variable_order_.end(), index{0});
    std::stable_sort(variable_order_.begin(), variable_order_.end(), [this](index a, index b) {
      auto const place = [this](index i) { return std::pair(layers_[at(i)].kind, layers_[at(i)].block); };
      return place(a) < place(b);
    });
    free_layers_.clear();
    for (index const layer : variable_order_)
      if (!pinned(layer) && highest_gene(layer) > 0) free_layers_.push_back(layer);
    tabulate_features();
  }

  /// A division a gene is what features() would spend its time on.
  void tabulate_features() {
    std::vector<int> highest;
    feature_places_.clear();
    scaled_genes_.clear();
    for (index const layer : free_layers_) {
      auto const known = std::find(highest.begin(), highest.end(), highest_gene(layer));
      feature_places_.push_back(
          {static_cast<std::uint32_t>(layer),
           static_cast<std::uint32_t>(genes_a_scale) * static_cast<std::uint32_t>(known - highest.begin())});
      if (known != highest.end()) continue;
      highest.push_back(highest_gene(layer));
      for (std::size_t value = 0; value < genes_a_scale; ++value)
        scaled_genes_.push_back(static_cast<double>(value) / highest.back());
    }
  }

  std::vector<linear_layer> layers_;
  std::vector<std::vector<format>> choices_;
  std::size_t cost_columns_ = 1;     // the most choices and one more, which no layer has
  std::vector<std::int64_t> costs_;  // (layers, columns): bits of each layer at each choice, or no_such_choice
  std::vector<bool> pinned_;
  std::int64_t other_bytes_ = 0;
  std::int64_t weights_ = 0;
  std::vector<index> variable_order_;
  std::vector<index> free_layers_;  // in AMQ's order of variables
  std::vector<feature_place> feature_places_;
  std::vector<double> scaled_genes_;  // (distinct highest genes, all genes)
};

}  // namespace amq
