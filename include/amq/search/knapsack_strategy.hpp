// knapsack_strategy: every layer measured alone, then the optima of the sum of what they cost, at evenly spread sizes.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/strategy.hpp"
#include "amq/optimize/multiple_choice_knapsack.hpp"
#include "amq/predict/prior_effects.hpp"
#include "amq/search/detail/new_batch.hpp"
#include "amq/search/detail/van_der_corput.hpp"
#include "amq/search/sizes.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

struct knapsack_strategy_options {
  bool every_choice = false;  ///< whether a layer is measured alone at all its choices, not at the lowest only
};

/// Models planning_strategy: the static knapsack that most mixed-precision methods are. Each layer's contribution to
/// the loss at each choice comes from its sensitivities (prior_effects where they are not measured) and is never
/// learned anew; then the optima of their sum at sizes from a van der Corput sequence, so that any number of them is
/// evenly spread. When no size gives a new optimum: neighbours of the measured front. What it returns depends on
/// archive, n and random alone, on random only after the optima.
template <search_space Space = format_space>
class knapsack_strategy {
 public:
  explicit knapsack_strategy(Space space, knapsack_strategy_options options = {})
      : space_(std::move(space)), options_(options) {}

  template <archive Archive>
  planned_batch plan(Archive const& measured, index n, random_stream& random) const {
    if (auto uniform = detail::missing_uniforms(space_, measured); !uniform.empty())
      return {phase::uniform, std::move(uniform)};
    auto alone = alone_configurations();
    auto missing = alone;
    std::erase_if(missing, [&](configuration const& genes) { return measured.contains(genes); });
    if (!missing.empty()) return {phase::sensitivity, std::move(missing)};
    detail::new_batch batch(measured, n);
    if (auto const effects = learn_effects(measured_losses(measured), alone)) add_optima(*effects, batch);
    batch.fill(space_, random);
    return {phase::search, std::move(batch).take()};
  }

  template <archive Archive>
  std::vector<configuration> ask(Archive const& measured, index n, random_stream& random) const {
    return detail::first_of(plan(measured, n, random), n);
  }

  void tell(std::span<configuration const>, std::span<double const>) {}

 private:
  /// Twice as many as an exact knapsack tells apart, and the convex hull of hundreds of layers.
  static constexpr index most_sizes = 4096;

  /// Each variable layer alone below its highest choice: at the lowest, or at every one.
  std::vector<configuration> alone_configurations() const {
    auto all = sensitivity_configurations(space_);
    if (!options_.every_choice) return all;
    auto const highest = uniform_configuration(space_, gene{255});
    for (index const layer : variable_layers(space_))
      for (gene choice = 1; choice < highest_gene(space_, layer); ++choice) {
        all.push_back(highest);
        all.back()[static_cast<std::size_t>(layer)] = choice;
      }
    return all;
  }

  /// (layers, most choices), in nats; empty where nothing could be measured.
  template <class Losses>
  std::optional<matrix<double>> learn_effects(Losses const& losses, std::vector<configuration> const& alone) const {
    auto const highest = uniform_configuration(space_, gene{255});
    matrix<gene> rows(std::ssize(alone) + 1, space_.size());
    std::vector<double> known;
    auto const learn = [&](configuration const& genes) {
      auto const loss = losses(genes);
      if (!loss || !std::isfinite(*loss)) return;
      std::ranges::copy(genes, rows.row(std::ssize(known)).begin());
      known.push_back(*loss);
    };
    learn(highest);
    for (auto const& genes : alone) learn(genes);
    if (known.empty()) return std::nullopt;
    auto effects = prior_effects(space_, rows.view().rows_from(0, std::ssize(known)), known);
    if (options_.every_choice) measure_between(losses, highest, effects);
    return effects;
  }

  /// In between lowest and highest what was measured stands for itself, as far as effects then fall with the choice.
  template <class Losses>
  void measure_between(Losses const& losses, configuration const& highest, matrix<double>& effects) const {
    auto const best = losses(highest);
    if (!best || !std::isfinite(*best)) return;
    for (index const layer : variable_layers(space_)) {
      auto genes = highest;
      double const least = effects(layer, highest_gene(space_, layer));
      for (gene choice = 1; choice < highest_gene(space_, layer); ++choice) {
        genes[static_cast<std::size_t>(layer)] = choice;
        auto const loss = losses(genes);
        if (!loss || !std::isfinite(*loss)) continue;
        effects(layer, choice) = std::clamp(least + *loss - *best, least, std::max(least, effects(layer, choice - 1)));
      }
    }
  }

  template <class Batch>
  void add_optima(matrix<double> const& effects, Batch& batch) const {
    auto const layers = variable_layers(space_);
    auto const sizes = level_sizes(space_, layers);
    matrix<double> costs(sizes.rows(), sizes.cols());
    for (index v = 0; v < costs.rows(); ++v)
      for (index level = 0; level < costs.cols(); ++level)
        costs(v, level) = effects(layers[static_cast<std::size_t>(v)], level);
    multiple_choice_knapsack const optima(costs, sizes);
    auto genes = uniform_configuration(space_, gene{255});
    std::vector<gene> levels(layers.size());
    for (index i = 1; i < most_sizes && batch.missing() > 0; ++i) {
      optima.within(optima.total() * detail::van_der_corput(i), levels);
      for (std::size_t v = 0; v < layers.size(); ++v) genes[static_cast<std::size_t>(layers[v])] = levels[v];
      batch.add(genes);
    }
  }

  Space space_;
  knapsack_strategy_options options_;
};

}  // namespace amq
