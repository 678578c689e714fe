// moead: the decomposition-based evolutionary algorithm of Zhang and Li (2007) on integer genes.
#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/optimizer.hpp"
#include "amq/core/error.hpp"
#include "amq/core/gene_set.hpp"
#include "amq/indicate/pareto.hpp"
#include "amq/optimize/decomposition.hpp"
#include "amq/optimize/operators.hpp"
#include "amq/optimize/weights.hpp"

namespace amq {

struct moead_options {
  index population = 200;  ///< the most weights; with more than two objectives a lattice has fewer as a rule
  index generations = 20;  ///< the start counts as the first
  index neighbours = 20;   ///< subproblems of the nearest weights, one's own included
  double mating_in_neighbourhood = 0.9;  ///< probability that parents and replaced ones are neighbours; else anybody
  index replacement_limit = 2;           ///< individuals that one child replaces at most (Li and Zhang 2009)
  bool fill_start = false;               ///< random individuals up to a population where the start has fewer
};

/// For each row of weights (points, objectives) the `count` nearest rows, itself first, ties by position.
/// O(points^2 (objectives + log points)).
inline std::vector<std::vector<index>> nearest_weights(matrix_view<double const> weights, index count) {
  std::vector<std::vector<index>> nearest;
  std::vector<double> squares(static_cast<std::size_t>(weights.rows));
  for (index i = 0; i < weights.rows; ++i) {
    std::vector<index> order(squares.size());
    std::iota(order.begin(), order.end(), index{0});
    for (index j = 0; j < weights.rows; ++j) {
      double& square = squares[static_cast<std::size_t>(j)] = i == j ? -1 : 0;
      for (index m = 0; m < weights.cols; ++m)
        square += (weights(i, m) - weights(j, m)) * (weights(i, m) - weights(j, m));
    }
    auto const near = order.begin() + std::min(count, weights.rows);
    std::partial_sort(order.begin(), near, order.end(), [&](index a, index b) {
      double const left = squares[static_cast<std::size_t>(a)], right = squares[static_cast<std::size_t>(b)];
      return left != right ? left < right : a < b;
    });
    nearest.emplace_back(order.begin(), near);
  }
  return nearest;
}

/// Models optimizer. Minimises any number of objectives: one subproblem a weight vector, each holding the individual
/// that is best along it. Every generation breeds one child a subproblem from its neighbourhood, evaluates them in one
/// batch and then lets each replace what it is better than (problems are batch-only, hence not child by child). No
/// child is an individual that is there already. Distances are from the ideal point in units of the present front's
/// reach. As in nsga2 the first generation is the start alone, however few, and without one it is random; a population
/// with more corners than asked for has just those. The result is the distinct individuals of the last generation.
/// O(generations x (population x neighbours x objectives + evaluations)).
template <class Decomposition = tchebycheff, class Crossover = binomial_crossover, class Mutation = reset_mutation,
          class Weights = uniform_weights>
class moead {
 public:
  using policy_category = optimizer_category;
  static constexpr bool many_objectives = true;

  explicit moead(moead_options options = {}, Decomposition decomposition = {}, Crossover crossover = {},
                 Mutation mutation = {}, Weights weights = {})
      : options_(options),
        decomposition_(decomposition),
        crossover_(std::move(crossover)),
        mutation_(std::move(mutation)),
        weights_(weights) {
    AMQ_EXPECTS(options.population >= 2,
                "moead needs a population of at least 2, not " + std::to_string(options.population));
    AMQ_EXPECTS(options.generations >= 1,
                "moead needs at least 1 generation, not " + std::to_string(options.generations));
    AMQ_EXPECTS(options.neighbours >= 2,
                "moead needs at least 2 neighbours to mate, not " + std::to_string(options.neighbours));
    AMQ_EXPECTS(options.replacement_limit >= 1,
                "moead needs a replacement limit of at least 1, not " + std::to_string(options.replacement_limit));
  }

  moead_options const& options() const { return options_; }

  /// start (individuals, variables), duplicates in it are dropped.
  template <optimization_problem Problem>
  population minimize(Problem& problem, matrix_view<gene const> start, random_stream& random) const {
    std::vector<int> levels;
    for (index v = 0; v < problem.variables(); ++v) levels.push_back(problem.levels(v));
    auto const weights = weights_(problem.objectives(), options_.population);
    auto const neighbours = nearest_weights(weights, options_.neighbours);
    objective_scale scale;
    population current = assign(first_generation(problem, start, levels, random), weights, scale);
    for (index generation = 1; generation < options_.generations; ++generation) {
      auto const children = breed(current, neighbours, levels, random);
      if (children.subproblems.empty()) break;
      matrix<double> objectives(std::ssize(children.subproblems), problem.objectives());
      problem.evaluate(children.genes.view().rows_from(0, objectives.rows()), objectives.view());
      scale.lower_ideal(objectives);
      scale.set_nadir(current.objectives, front_indices(current.objectives));
      replace(current, children, objectives, weights, scale, random);
    }
    return distinct(current);
  }

 private:
  /// Children and those whose places they may take.
  struct brood {
    matrix<gene> genes;                           // as many rows as subproblems; the first ones are children
    std::vector<index> subproblems;               // of each child
    std::vector<std::vector<index>> replaceable;  // of each child, in the order in which they are tried
  };

  static constexpr int rounds_without_new = 100;
  static constexpr int matings = 10;  // tries for a child that is new

  template <class Problem>
  population first_generation(Problem& problem, matrix_view<gene const> start, std::span<int const> levels,
                              random_stream& random) const {
    std::vector<configuration> first;
    gene_set seen;
    for (index i = 0; i < start.rows; ++i)
      if (insert(seen, start.row(i))) first.emplace_back(start.row(i).begin(), start.row(i).end());
    configuration drawn(levels.size());
    for (int failures = 0; (start.rows == 0 || options_.fill_start) && std::ssize(first) < options_.population &&
                           failures < rounds_without_new;) {
      resample(drawn, levels, random);
      if (insert(seen, drawn))
        first.push_back(drawn);
      else
        ++failures;
    }
    population result{matrix<gene>(std::ssize(first), std::ssize(levels)),
                      matrix<double>(std::ssize(first), problem.objectives())};
    for (index i = 0; i < std::ssize(first); ++i)
      std::ranges::copy(first[static_cast<std::size_t>(i)], result.genes.row(i).begin());
    problem.evaluate(result.genes, result.objectives.view());
    return result;
  }

  /// To each subproblem the best individual there is.
  population assign(population const& pool, matrix<double> const& weights, objective_scale& scale) const {
    scale.lower_ideal(pool.objectives);
    scale.set_nadir(pool.objectives, front_indices(pool.objectives));
    population all{matrix<gene>(weights.rows(), pool.genes.cols()),
                   matrix<double>(weights.rows(), pool.objectives.cols())};
    for (index s = 0; s < weights.rows(); ++s) {
      index best = 0;
      for (index i = 1; i < pool.genes.rows(); ++i)
        if (value(pool.objectives.row(i), weights.row(s), scale) <
            value(pool.objectives.row(best), weights.row(s), scale))
          best = i;
      set(all, s, pool.genes.row(best), pool.objectives.row(best));
    }
    return all;
  }

  brood breed(population const& parents, std::vector<std::vector<index>> const& neighbours, std::span<int const> levels,
              random_stream& random) const {
    index const count = parents.genes.rows();
    brood children{matrix<gene>(count, parents.genes.cols()), {}, {}};
    gene_set seen;
    for (index i = 0; i < count; ++i) insert(seen, parents.genes.row(i));
    for (index const s : random.permutation(count)) {
      auto scope = random.bernoulli(options_.mating_in_neighbourhood) ? neighbours[static_cast<std::size_t>(s)]
                                                                      : random.permutation(count);
      auto const child = children.genes.row(std::ssize(children.subproblems));
      for (int mating = 0; mating < matings; ++mating) {
        auto const [a, b] = two_of(scope, random);
        crossover_(parents.genes.row(a), parents.genes.row(b), child, random);
        mutation_(child, levels, random);
        if (!insert(seen, child)) continue;
        random.shuffle(scope);
        children.subproblems.push_back(s);
        children.replaceable.push_back(std::move(scope));
        break;
      }
    }
    return children;
  }

  static std::pair<index, index> two_of(std::span<index const> scope, random_stream& random) {
    index const a = random.below(std::ssize(scope));
    index const b = random.below(std::max<index>(1, std::ssize(scope) - 1));
    return {scope[static_cast<std::size_t>(a)],
            scope[static_cast<std::size_t>(b < a || scope.size() == 1 ? b : b + 1)]};
  }

  void replace(population& current, brood const& children, matrix<double> const& objectives,
               matrix<double> const& weights, objective_scale const& scale, random_stream& random) const {
    for (index const child : random.permutation(objectives.rows())) {
      index replaced = 0;
      for (index const s : children.replaceable[static_cast<std::size_t>(child)]) {
        if (!(value(objectives.row(child), weights.row(s), scale) <
              value(current.objectives.row(s), weights.row(s), scale)))
          continue;
        set(current, s, children.genes.row(child), objectives.row(child));
        if (++replaced == options_.replacement_limit) break;
      }
    }
  }

  double value(std::span<double const> objectives, std::span<double const> weights,
               objective_scale const& scale) const {
    std::vector<double> distances(objectives.size());
    scale.distances(objectives, distances);
    return detail::orderable(decomposition_(distances, weights));
  }

  static void set(population& to, index row, std::span<gene const> genes, std::span<double const> objectives) {
    std::ranges::copy(genes, to.genes.row(row).begin());
    std::ranges::copy(objectives, to.objectives.row(row).begin());
  }

  static population distinct(population const& all) {
    gene_set seen;
    std::vector<index> rows;
    for (index i = 0; i < all.genes.rows(); ++i)
      if (insert(seen, all.genes.row(i))) rows.push_back(i);
    population result{matrix<gene>(std::ssize(rows), all.genes.cols()),
                      matrix<double>(std::ssize(rows), all.objectives.cols())};
    for (index i = 0; i < std::ssize(rows); ++i) {
      index const row = rows[static_cast<std::size_t>(i)];
      set(result, i, all.genes.row(row), all.objectives.row(row));
    }
    return result;
  }

  moead_options options_;
  Decomposition decomposition_;
  Crossover crossover_;
  Mutation mutation_;
  Weights weights_;
};

}  // namespace amq
