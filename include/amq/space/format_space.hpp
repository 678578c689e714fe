// The space of configurations: which formats each linear layer may take, and what a configuration costs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/format_check.hpp"
#include "amq/space/detail/choice_checks.hpp"
#include "amq/space/detail/cost_table.hpp"
#include "amq/space/detail/feature_table.hpp"
#include "amq/space/detail/tied_unit.hpp"
#include "amq/space/target.hpp"

namespace amq {

/// Models search_space: a list of formats for each linear layer, fewest bits first. Average bits are counted as AMQ
/// counts them (arXiv 2509.12019, section 4): b + 32 / group bits a weight, over the linear layers only; bytes of the
/// model as its target counts them, by default the same way. A pinned layer keeps its highest choice; it still has its
/// gene in every configuration. Layers that are tied share one gene: the space then has a gene for each group of them,
/// which `layers()` describes as one layer, and `expand` tells what each of `source_layers()` gets.
class format_space {
 public:
  /// `choices` has one list for each layer. `other_bytes`: everything in the model that is not a linear layer.
  /// Throws input_error when a group does not divide a layer's inputs; precondition_error when a list is empty, longer
  /// than a gene can count or not sorted by what it costs.
  format_space(std::vector<linear_layer> layers, std::vector<std::vector<format>> choices, std::int64_t other_bytes)
      : format_space(std::move(layers), std::move(choices), other_bytes, nullptr) {}

  /// The same choices for every layer.
  format_space(std::vector<linear_layer> const& layers, std::vector<format> const& choices, std::int64_t other_bytes)
      : format_space(layers, std::vector(layers.size(), choices), other_bytes) {}

  /// This space with files of a format in mind: `model_bytes` becomes theirs, `other_bytes` being what they hold beside
  /// linear layers. Throws input_error that names the layers and choices which they cannot hold.
  [[nodiscard]] format_space in_target(amq::target const& wanted, std::int64_t other_bytes) const {
    detail::expect_holdable(source_, source_choices(), wanted);
    return priced_as(wanted, other_bytes);
  }

  /// The same whether the target holds all choices or not: those that it cannot hold keep AMQ's price.
  [[nodiscard]] format_space priced_as(amq::target wanted, std::int64_t other_bytes) const {
    wanted.stored_bits = [stored = wanted.stored_bits, refusal = wanted.refusal](linear_layer const& l, format f) {
      return refusal(l, f).empty() ? stored(l, f) : f.stored_bits(l.rows, l.cols);
    };
    format_space space(source_, source_choices(), other_bytes, std::make_shared<amq::target const>(std::move(wanted)));
    return space.tie(members_).with_pins(pinned_);
  }

  /// This space with something else for a size, such as seconds: `average_bits` is then the sum of `cost(linear layer,
  /// format)`, to a relative 1e-12, and whatever searches, spreads or draws by bits does so by that. Costs are at least
  /// 0. A choice that costs more than one with more bits counts as much as that one: it is worse in both, so nobody
  /// wants it, and sizes then rise with the bits as optimizers expect. `linear_bits` and bytes stay what they are.
  [[nodiscard]] format_space sized_by(std::function<double(linear_layer const&, format)> cost) const {
    format_space space = *this;
    space.size_of_ = std::move(cost);
    space.tabulate_costs();
    return space;
  }

  /// This space with one gene for each of these groups of genes. Throws input_error for layers with other choices, or
  /// of which only some are pinned; precondition_error for a gene in two groups. Groups of one change nothing.
  [[nodiscard]] format_space tie(std::vector<std::vector<index>> const& groups) const {
    auto const units = detail::complete_partition(groups, size());
    format_space space = *this;
    space.members_.clear();
    space.layers_.clear();
    space.choices_.clear();
    space.pinned_.clear();
    for (auto const& unit : units) {
      auto const first = unit.front();
      for (index const other : unit) expect_tieable(first, other);
      std::vector<index> members;
      for (index const each : unit) members.insert(members.end(), members_[at(each)].begin(), members_[at(each)].end());
      space.layers_.push_back(detail::as_one_layer(source_, members));
      space.choices_.push_back(choices_[at(first)]);
      space.pinned_.push_back(pinned_[at(first)]);
      space.members_.push_back(std::move(members));
    }
    space.tabulate_costs();
    space.order_variables();
    return space;
  }

  /// A gene for each layer of its own, nothing pinned.
  [[nodiscard]] format_space untied() const { return {source_, source_choices(), other_bytes_, target_}; }

  bool tied() const { return layers_.size() != source_.size(); }
  /// All layers by name, in checkpoint order, tied or not.
  std::span<linear_layer const> source_layers() const { return source_; }
  /// The source layers that share gene `layer`.
  std::span<index const> members(index layer) const { return members_[at(layer)]; }
  /// Null where bytes are counted as AMQ counts them.
  amq::target const* target() const { return target_.get(); }

  /// One gene for each source layer.
  configuration expand(std::span<gene const> genes) const {
    AMQ_EXPECTS(std::ssize(genes) == size(), "a configuration of this space has " + std::to_string(size()) +
                                                 " genes, not " + std::to_string(genes.size()));
    configuration expanded(source_.size());
    for (index layer = 0; layer < size(); ++layer)
      for (index const member : members(layer)) expanded[at(member)] = genes[at(layer)];
    return expanded;
  }

  index size() const { return static_cast<index>(layers_.size()); }
  std::span<linear_layer const> layers() const { return layers_; }
  std::span<format const> choices(index layer) const { return choices_[at(layer)]; }
  bool pinned(index layer) const { return pinned_[at(layer)]; }
  std::int64_t other_bytes() const { return other_bytes_; }

  /// Bits of all linear layers: codes, scales and zeros. Exact. O(layers), as all sizes below.
  std::int64_t linear_bits(std::span<gene const> genes) const { return sum(genes, costs_); }

  /// Bits a weight of the linear layers, overhead included; or what the space is `sized_by`.
  double average_bits(std::span<gene const> genes) const {
    if (size_of_) return static_cast<double>(sum(genes, sizes_)) * size_unit_;
    return static_cast<double>(linear_bits(genes)) / static_cast<double>(weights_);
  }

  /// Bytes of the linear layers; odd bits make a fraction.
  double linear_bytes(std::span<gene const> genes) const { return static_cast<double>(linear_bits(genes)) / 8; }

  /// Bytes of the whole model in the target's files, their headers aside: linear layers, rounded up once, and
  /// everything else.
  std::int64_t model_bytes(std::span<gene const> genes) const {
    return (sum(genes, target_ ? target_costs_ : costs_) + 7) / 8 + other_bytes_;
  }

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
    features_.of(genes, out);
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

  /// The format of each source layer.
  std::vector<format> formats(std::span<gene const> genes) const {
    auto const expanded = expand(genes);
    std::vector<format> chosen(expanded.size());
    for (index layer = 0; layer < size(); ++layer)
      for (index const member : members(layer)) chosen[at(member)] = choice(layer, expanded[at(member)]);
    return chosen;
  }

  /// Width of each source layer's codes.
  std::vector<int> bits_by_layer(std::span<gene const> genes) const {
    std::vector<int> bits;
    for (format const f : formats(genes)) bits.push_back(f.bits);
    return bits;
  }

  /// The configuration that gives these formats to the source layers. Throws input_error when a layer has no such
  /// choice, is pinned to another one, or differs from one that it is tied to.
  configuration from_formats(std::span<format const> wanted) const {
    return from_choices(
        wanted, [](format wanted_format, format f) { return f == wanted_format; },
        [](format f) { return spelling(f); });
  }

  /// The same by widths alone, the first choice of each width.
  configuration from_bits(std::span<int const> bits) const {
    return from_choices(
        bits, [](int wanted, format f) { return f.bits == wanted; },
        [](int wanted) { return std::to_string(wanted) + " bits"; });
  }

 private:
  format_space(std::vector<linear_layer> layers, std::vector<std::vector<format>> choices, std::int64_t other_bytes,
               std::shared_ptr<amq::target const> wanted)
      : source_(layers),
        layers_(std::move(layers)),
        choices_(std::move(choices)),
        pinned_(layers_.size(), false),
        other_bytes_(other_bytes),
        target_(std::move(wanted)) {
    AMQ_EXPECTS(layers_.size() == choices_.size(), "format_space needs one list of choices for each of " +
                                                       std::to_string(layers_.size()) + " layers, not " +
                                                       std::to_string(choices_.size()));
    for (index layer = 0; layer < size(); ++layer) members_.push_back({layer});
    detail::check_choices(layers_, choices_);
    tabulate_costs();
    order_variables();
  }

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

  /// Choices of the source layers.
  std::vector<std::vector<format>> source_choices() const {
    std::vector<std::vector<format>> choices(source_.size());
    for (index layer = 0; layer < size(); ++layer)
      for (index const member : members(layer)) choices[at(member)] = choices_[at(layer)];
    return choices;
  }

  format_space with_pins(std::vector<bool> const& pins) const {
    format_space space = *this;
    space.pinned_ = pins;
    space.order_variables();
    return space;
  }

  void expect_tieable(index a, index b) const {
    auto const refuse = [&](std::string const& what) {
      throw input_error("the tied layers " + layers_[at(a)].name + " and " + layers_[at(b)].name + " " + what);
    };
    if (choices_[at(a)] != choices_[at(b)])
      refuse("have different choices (" + spellings(a) + "; " + spellings(b) + "); tie layers that may take the same");
    if (pinned_[at(a)] != pinned_[at(b)])
      refuse("clash with the pins: only one of them is pinned; pin both or neither");
  }

  template <class Wanted, class Matches, class Describe>
  configuration from_choices(std::span<Wanted const> wanted, Matches const& matches, Describe const& describe) const {
    AMQ_EXPECTS(wanted.size() == source_.size(), "a configuration needs one choice for each of " +
                                                     std::to_string(source_.size()) + " layers, not " +
                                                     std::to_string(wanted.size()));
    configuration genes(layers_.size());
    for (index layer = 0; layer < size(); ++layer) {
      auto const first = members(layer).front();
      for (index const member : members(layer))
        if (!(wanted[at(member)] == wanted[at(first)]))
          throw input_error("the layers " + source_[at(first)].name + " and " + source_[at(member)].name +
                            " are tied and are given " + describe(wanted[at(first)]) + " and " +
                            describe(wanted[at(member)]) + "; give them the same");
      auto const& list = choices_[at(layer)];
      auto const found =
          std::find_if(list.begin(), list.end(), [&](format f) { return matches(wanted[at(first)], f); });
      if (found == list.end())
        throw input_error("the layer " + source_[at(first)].name + " is given " + describe(wanted[at(first)]) +
                          ", which is not among its choices: " + spellings(layer));
      genes[at(layer)] = static_cast<gene>(found - list.begin());
      if (pinned(layer) && genes[at(layer)] != highest_gene(layer))
        throw input_error("the layer " + source_[at(first)].name + " is given " + describe(wanted[at(first)]) +
                          ", but it is pinned to " + spelling(list.back()));
    }
    return genes;
  }

  std::string spellings(index layer) const { return detail::spellings(choices_[at(layer)]); }

  void tabulate_costs() {
    auto const total = [this](auto const& bits_of) {
      return [this, &bits_of](index layer, format f) {
        std::int64_t bits = 0;
        for (index const member : members(layer)) bits += bits_of(source_[at(member)], f);
        return bits;
      };
    };
    auto const usual = [](linear_layer const& l, format f) { return f.stored_bits(l.rows, l.cols); };
    costs_ = detail::cost_table(choices_, total(usual));
    if (target_) target_costs_ = detail::cost_table(choices_, total(target_->stored_bits));
    weights_ = 0;
    for (auto const& l : source_) weights_ += l.rows * l.cols;
    if (size_of_) tabulate_sizes();
  }

  /// In whole units, so that sums are exact: 2^-42 of what the largest configuration takes.
  void tabulate_sizes() {
    std::vector<std::vector<double>> rising(choices_.size());
    double largest = 0;
    for (index layer = 0; layer < size(); ++layer) {
      auto& costs = rising[at(layer)];
      for (format const f : choices_[at(layer)]) {
        double cost = 0;
        for (index const member : members(layer)) cost += size_of_(source_[at(member)], f);
        AMQ_EXPECTS(cost >= 0 && std::isfinite(cost), "the size of " + layers_[at(layer)].name + " as " + spelling(f) +
                                                          " is " + std::to_string(cost) +
                                                          "; expected a finite number of at least 0");
        costs.push_back(cost);
      }
      for (std::size_t i = costs.size() - 1; i > 0; --i) costs[i - 1] = std::min(costs[i - 1], costs[i]);
      largest += costs.back();
    }
    size_unit_ = largest > 0 ? std::ldexp(largest, -42) : 1;
    sizes_ = detail::cost_table(choices_, [&](index layer, format f) {
      auto const& list = choices_[at(layer)];
      auto const place = static_cast<std::size_t>(std::find(list.begin(), list.end(), f) - list.begin());
      return static_cast<std::int64_t>(std::llround(rising[at(layer)][place] / size_unit_));
    });
  }

  std::int64_t sum(std::span<gene const> genes, detail::cost_table const& table) const {
    AMQ_EXPECTS(std::ssize(genes) == size(), "a configuration of this space has " + std::to_string(size()) +
                                                 " genes, not " + std::to_string(genes.size()));
    auto const bits = table.sum(genes);
    if (!bits) expect_choices(genes);
    return bits.value_or(0);
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
    features_ = detail::feature_table(free_layers_, [this](index layer) { return highest_gene(layer); });
  }

  std::vector<linear_layer> source_;
  std::vector<linear_layer> layers_;         // one a gene
  std::vector<std::vector<index>> members_;  // source layers of each gene
  std::vector<std::vector<format>> choices_;
  detail::cost_table costs_;                                    // as AMQ counts
  detail::cost_table target_costs_;                             // as the target counts; empty without one
  std::function<double(linear_layer const&, format)> size_of_;  // instead of bits; empty: bits
  detail::cost_table sizes_;                                    // by size_of_, in units
  double size_unit_ = 1;
  std::vector<bool> pinned_;
  std::int64_t other_bytes_ = 0;
  std::shared_ptr<amq::target const> target_;
  std::int64_t weights_ = 0;
  std::vector<index> variable_order_;
  std::vector<index> free_layers_;  // in AMQ's order of variables
  detail::feature_table features_;
};

}  // namespace amq
