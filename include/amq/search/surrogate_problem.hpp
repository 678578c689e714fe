// The cheap problem that an optimizer searches: predicted loss, average bits and whatever else is asked for, over the
// layers that may vary.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/objective.hpp"
#include "amq/concepts/optimizer.hpp"
#include "amq/concepts/predictor.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/search/designs.hpp"
#include "amq/search/sizes.hpp"

namespace amq {

/// Models optimization_problem: variables are the given layers in the given order, objectives (predicted loss, average
/// bits, further ones). Keeps all that it evaluated. Space, predictor and further objectives must outlive it.
template <search_space Space, class Predictor>
class surrogate_problem {
 public:
  surrogate_problem(Space const& space, Predictor const& predictor, std::span<index const> layers,
                    std::span<any_objective const> further = {})
      : space_(&space),
        predictor_(&predictor),
        layers_(layers.begin(), layers.end()),
        further_(further),
        fixed_(uniform_configuration(space, gene{255})) {
    for (std::size_t v = 0; v < layers_.size(); ++v)
      in_order_ = in_order_ && layers_[v] == layers_[0] + static_cast<index>(v);
  }

  index variables() const { return std::ssize(layers_); }
  int levels(index variable) const { return static_cast<int>(space_->choices(layer_of(variable)).size()); }
  index objectives() const { return 2 + std::ssize(further_); }

  void evaluate(matrix_view<gene const> genes, matrix_view<double> objectives) {
    auto full = expand(genes);
    rate(full, objectives);
    history_.push_back({std::move(full), copy_of(objectives)});
  }

  /// What each level adds to the average bits over the lowest: (variables, most levels), infinite past a variable's.
  matrix<double> sizes() const { return level_sizes(*space_, layers_); }

  /// A type-erased predictor models additive_predictor whatever it holds, and says here whether it is one.
  bool has_costs() const {
    if constexpr (requires { predictor_->has_layer_costs(); }) return predictor_->has_layer_costs();
    return additive_predictor<Predictor, Space>;
  }
  bool has_cost_draws() const {
    if constexpr (requires { predictor_->has_layer_cost_draws(); }) return predictor_->has_layer_cost_draws();
    return sampling_additive_predictor<Predictor, Space>;
  }

  /// The predictor's additive costs, shaped as sizes().
  matrix<double> costs() const
    requires additive_predictor<Predictor, Space>
  {
    return of_variables(predictor_->layer_costs());
  }
  matrix<double> draw_costs(random_stream& random) const
    requires sampling_additive_predictor<Predictor, Space>
  {
    return of_variables(predictor_->draw_layer_costs(random));
  }

  /// The objectives of whole configurations (configurations, layers).
  population rated(matrix<gene> genes) const {
    population result{std::move(genes), {}};
    result.objectives = matrix<double>(result.genes.rows(), objectives());
    rate(result.genes, result.objectives);
    return result;
  }

  /// Whole configurations (configurations, layers) of the optimizer's genes (configurations, variables).
  matrix<gene> expand(matrix_view<gene const> genes) const {
    matrix<gene> full(genes.rows, space_->size());
    std::span<index const> const layers = layers_;
    for (index i = 0; i < genes.rows; ++i) {
      auto const from = genes.row(i);
      auto const to = full.row(i);
      std::ranges::copy(fixed_, to.begin());
      if (in_order_)
        std::ranges::copy(from, to.begin() + (layers.empty() ? 0 : layers[0]));
      else
        for (std::size_t v = 0; v < from.size(); ++v) to[static_cast<std::size_t>(layers[v])] = from[v];
    }
    return full;
  }

  /// The optimizer's genes of a whole configuration.
  void reduce(std::span<gene const> full, std::span<gene> out) const {
    for (std::size_t v = 0; v < layers_.size(); ++v) out[v] = full[static_cast<std::size_t>(layers_[v])];
  }

  /// All batches evaluated so far, as whole configurations.
  std::span<population const> history() const { return history_; }

 private:
  matrix<double> of_variables(matrix<double> const& layers) const {
    auto all = sizes();  // infinite where a variable has no such level
    for (index v = 0; v < variables(); ++v)
      for (int level = 0; level < levels(v); ++level) all(v, level) = layers(layer_of(v), level);
    return all;
  }

  index layer_of(index variable) const { return layers_[static_cast<std::size_t>(variable)]; }

  void rate(matrix_view<gene const> full, matrix_view<double> rated) const {
    std::vector<double> losses(static_cast<std::size_t>(full.rows));
    predictor_->predict(full, losses);
    for (index i = 0; i < full.rows; ++i) {
      rated(i, 0) = losses[static_cast<std::size_t>(i)];
      rated(i, 1) = space_->average_bits(full.row(i));
      for (index m = 2; m < objectives(); ++m)
        rated(i, m) = further_[static_cast<std::size_t>(m - 2)].value(full.row(i));
    }
  }

  static matrix<double> copy_of(matrix_view<double const> from) {
    matrix<double> copy(from.rows, from.cols);
    for (index i = 0; i < from.rows; ++i) std::ranges::copy(from.row(i), copy.row(i).begin());
    return copy;
  }

  Space const* space_;
  Predictor const* predictor_;
  std::vector<index> layers_;
  std::span<any_objective const> further_;
  bool in_order_ = true;  // layers_ counts up by one
  configuration fixed_;
  std::vector<population> history_;
};

}  // namespace amq
