// nsga2: the multi-objective genetic algorithm of Deb et al. (2002) on integer genes.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/optimizer.hpp"
#include "amq/core/error.hpp"
#include "amq/core/gene_set.hpp"
#include "amq/optimize/operators.hpp"
#include "amq/optimize/selection.hpp"

namespace amq {

struct nsga2_options {
  index population = 200;
  index generations = 20;   ///< the start counts as the first
  bool fill_start = false;  ///< random individuals up to a population where the start has fewer, as textbooks do it
};

/// Models optimizer. Minimises any number of objectives. Each generation has `population` new individuals: parents by
/// binary tournament, one child of two, mutated; no individual is in a generation twice, nor in the last one. Survivors
/// by rank and crowding. As pymoo does when it is given individuals to start from, the first generation is the start
/// alone, however few; without a start it is random. O(generations x (population log population + evaluations)).
template <class Crossover = binomial_crossover, class Mutation = reset_mutation>
class nsga2 {
 public:
  using policy_category = optimizer_category;

  explicit nsga2(nsga2_options options = {}, Crossover crossover = {}, Mutation mutation = {})
      : options_(options), crossover_(crossover), mutation_(mutation) {
    AMQ_EXPECTS(options.population >= 2,
                "nsga2 needs a population of at least 2, not " + std::to_string(options.population));
    AMQ_EXPECTS(options.generations >= 1,
                "nsga2 needs at least 1 generation, not " + std::to_string(options.generations));
  }

  nsga2_options const& options() const { return options_; }

  /// start (individuals, variables), duplicates in it are dropped. The result is the last generation's survivors.
  template <optimization_problem Problem>
  population minimize(Problem& problem, matrix_view<gene const> start, random_stream& random) const {
    std::vector<int> levels;
    for (index v = 0; v < problem.variables(); ++v) levels.push_back(problem.levels(v));
    individuals current = first_generation(start, levels, random);
    evaluate(problem, current);
    current = survive(std::move(current), std::max(current.size(), options_.population));
    for (index generation = 1; generation < options_.generations; ++generation) {
      individuals children = breed(current, levels, random);
      if (children.size() == 0) break;
      evaluate(problem, children);
      append(current, children);
      current = survive(std::move(current), options_.population);
    }
    return {current.gene_matrix(), std::move(current.objectives)};
  }

 private:
  struct individuals {
    std::vector<configuration> genes;
    matrix<double> objectives;
    std::vector<double> crowding;

    index size() const { return std::ssize(genes); }
    matrix<gene> gene_matrix() const {
      matrix<gene> all(size(), genes.empty() ? 0 : std::ssize(genes[0]));
      for (index i = 0; i < size(); ++i) std::ranges::copy(genes[static_cast<std::size_t>(i)], all.row(i).begin());
      return all;
    }
  };

  static constexpr int rounds_without_new = 100;  // pymoo's bound on matings a generation

  individuals first_generation(matrix_view<gene const> start, std::span<int const> levels,
                               random_stream& random) const {
    individuals first;
    gene_set seen;
    for (index i = 0; i < start.rows; ++i)
      if (insert(seen, start.row(i))) first.genes.emplace_back(start.row(i).begin(), start.row(i).end());
    if (!first.genes.empty() && !options_.fill_start) return first;
    configuration drawn(levels.size());
    for (int failures = 0; first.size() < options_.population && failures < rounds_without_new;) {
      resample(drawn, levels, random);
      if (insert(seen, drawn))
        first.genes.push_back(drawn);
      else
        ++failures;
    }
    return first;
  }

  individuals breed(individuals const& parents, std::span<int const> levels, random_stream& random) const {
    gene_set seen(parents.genes.begin(), parents.genes.end());
    individuals children;
    configuration child(levels.size());
    for (int round = 0; round < rounds_without_new && children.size() < options_.population; ++round) {
      index const missing = options_.population - children.size();
      auto const chosen = select_parents(2 * missing, parents.objectives, parents.crowding, random);
      for (std::size_t i = 0; i < chosen.size(); i += 2) {
        auto const& a = parents.genes[static_cast<std::size_t>(chosen[i])];
        auto const& b = parents.genes[static_cast<std::size_t>(chosen[i + 1])];
        crossover_(a, b, child, random);
        mutation_(child, levels, random);
        if (insert(seen, child)) children.genes.push_back(child);
      }
    }
    return children;
  }

  template <class Problem>
  static void evaluate(Problem& problem, individuals& all) {
    all.objectives = matrix<double>(all.size(), problem.objectives());
    problem.evaluate(all.gene_matrix(), all.objectives.view());
  }

  static void append(individuals& all, individuals& more) {
    matrix<double> objectives(all.size() + more.size(), all.objectives.cols());
    std::copy_n(all.objectives.data(), all.objectives.size(), objectives.data());
    std::copy_n(more.objectives.data(), more.objectives.size(), objectives.data() + all.objectives.size());
    all.objectives = std::move(objectives);
    std::ranges::move(more.genes, std::back_inserter(all.genes));
  }

  static individuals survive(individuals all, index count) {
    auto chosen = rank_and_crowding_survival(all.objectives, count);
    individuals result;
    result.objectives = matrix<double>(std::ssize(chosen.rows), all.objectives.cols());
    for (index const row : chosen.rows) {
      std::ranges::copy(all.objectives.row(row), result.objectives.row(result.size()).begin());
      result.genes.push_back(std::move(all.genes[static_cast<std::size_t>(row)]));
    }
    result.crowding = std::move(chosen.crowding);
    return result;
  }

  nsga2_options options_;
  Crossover crossover_;
  Mutation mutation_;
};

}  // namespace amq
