// nsga2: the multi-objective genetic algorithm of Deb et al. (2002) on integer genes.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/optimizer.hpp"
#include "amq/core/distinct_rows.hpp"
#include "amq/core/error.hpp"
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
  static constexpr bool many_objectives = true;

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
    individuals all(problem.variables());
    draw_first_generation(start, levels, all.genes, random);
    evaluate(problem, all);
    survive(all, std::max(all.genes.size(), options_.population));
    for (index generation = 1; generation < options_.generations; ++generation) {
      breed(all, levels, random);
      if (all.genes.size() == all.objectives.rows()) break;
      evaluate(problem, all);
      survive(all, options_.population);
    }
    return {clone(all.genes.view()), std::move(all.objectives)};
  }

 private:
  /// Survivors, and while they breed their children behind them.
  struct individuals {
    explicit individuals(index variables) : genes(variables) {}

    distinct_rows<gene> genes;
    matrix<double> objectives;     // of those that are evaluated
    std::vector<double> crowding;  // of the survivors
  };

  static constexpr int rounds_without_new = 100;  // pymoo's bound on matings a generation

  void draw_first_generation(matrix_view<gene const> start, std::span<int const> levels, distinct_rows<gene>& genes,
                             random_stream& random) const {
    for (index i = 0; i < start.rows; ++i) genes.add(start.row(i));
    if (genes.size() > 0 && !options_.fill_start) return;
    for (int failures = 0; genes.size() < options_.population && failures < rounds_without_new;) {
      resample(genes.next(), levels, random);
      if (!genes.add_next()) ++failures;
    }
  }

  void breed(individuals& all, std::span<int const> levels, random_stream& random) const {
    index const full = all.objectives.rows() + options_.population;
    for (int round = 0; round < rounds_without_new && all.genes.size() < full; ++round) {
      auto const chosen = select_parents(2 * (full - all.genes.size()), all.objectives, all.crowding, random);
      for (std::size_t i = 0; i < chosen.size(); i += 2) {
        auto const child = all.genes.next();
        crossover_(all.genes.row(chosen[i]), all.genes.row(chosen[i + 1]), child, random);
        mutation_(child, levels, random);
        all.genes.add_next();
      }
    }
  }

  /// Those that have no objectives yet.
  template <class Problem>
  static void evaluate(Problem& problem, individuals& all) {
    index const known = all.objectives.rows(), fresh = all.genes.size() - known;
    matrix<double> objectives(known + fresh, problem.objectives());
    std::copy_n(all.objectives.data(), all.objectives.size(), objectives.data());
    problem.evaluate(all.genes.view().rows_from(known, fresh), objectives.view().rows_from(known, fresh));
    all.objectives = std::move(objectives);
  }

  static void survive(individuals& all, index count) {
    auto chosen = rank_and_crowding_survival(all.objectives, count);
    matrix<double> objectives(std::ssize(chosen.rows), all.objectives.cols());
    for (index i = 0; i < objectives.rows(); ++i)
      std::ranges::copy(all.objectives.row(chosen.rows[static_cast<std::size_t>(i)]), objectives.row(i).begin());
    all.genes.keep(chosen.rows);
    all.objectives = std::move(objectives);
    all.crowding = std::move(chosen.crowding);
  }

  nsga2_options options_;
  Crossover crossover_;
  Mutation mutation_;
};

}  // namespace amq
