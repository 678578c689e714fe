// direct: an evolutionary optimizer on the evaluator itself, a generation a batch, without a predictor.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/strategy.hpp"
#include "amq/optimize/moead.hpp"
#include "amq/optimize/operators.hpp"
#include "amq/optimize/selection.hpp"
#include "amq/search/detail/new_batch.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

/// Pairs of rows of (loss, average bits), which become parents.
using parent_pairs = std::vector<std::pair<index, index>>;

/// NSGA-II (Deb et al. 2002): survivors by rank and crowding among all that is measured, parents by tournament.
struct dominance_breeding {
  parent_pairs operator()(matrix<double> const& objectives, index n, random_stream& random) const {
    auto const best = rank_and_crowding_survival(objectives, n);
    matrix<double> survivors(std::ssize(best.rows), objectives.cols());
    for (index i = 0; i < survivors.rows(); ++i)
      std::ranges::copy(objectives.row(best.rows[static_cast<std::size_t>(i)]), survivors.row(i).begin());
    auto const chosen = select_parents(2 * n, survivors, best.crowding, random);
    parent_pairs pairs;
    for (std::size_t i = 0; i + 1 < chosen.size(); i += 2)
      pairs.emplace_back(best.rows[static_cast<std::size_t>(chosen[i])],
                         best.rows[static_cast<std::size_t>(chosen[i + 1])]);
    return pairs;
  }
};

/// MOEA/D (Zhang and Li 2007): the best of all that is measured along each of n directions; parents are those of
/// neighbouring directions, with `anywhere` of any two.
template <class Decomposition = tchebycheff>
struct decomposition_breeding {
  Decomposition decomposition{};
  index neighbours = 20;
  double anywhere = 0.1;

  parent_pairs operator()(matrix<double> const& objectives, index n, random_stream& random) const {
    auto const weights = uniform_weights{}(objectives.cols(), n);
    auto const near = nearest_weights(weights, neighbours);
    auto const best = incumbents(objectives, weights);
    parent_pairs pairs;
    for (std::size_t i = 0; i < best.size(); ++i) {
      auto const pick = [&, all = random.bernoulli(anywhere)] {
        return all ? best[static_cast<std::size_t>(random.below(std::ssize(best)))]
                   : best[static_cast<std::size_t>(
                         near[i][static_cast<std::size_t>(random.below(std::ssize(near[i])))])];
      };
      index const first = pick(), second = pick();
      pairs.emplace_back(first, second);
    }
    random.shuffle(pairs);
    return pairs;
  }

 private:
  /// The row that is best along each direction.
  std::vector<index> incumbents(matrix<double> const& objectives, matrix<double> const& weights) const {
    objective_scale scale;
    scale.lower_ideal(objectives);
    scale.set_nadir(objectives, front_indices(objectives));
    matrix<double> distances(objectives.rows(), objectives.cols());
    for (index row = 0; row < objectives.rows(); ++row) scale.distances(objectives.row(row), distances.row(row));
    std::vector<index> best;
    for (index w = 0; w < weights.rows(); ++w) {
      index found = 0;
      double least = std::numeric_limits<double>::infinity();
      for (index row = 0; row < distances.rows(); ++row)
        if (double const value = decomposition(distances.row(row), weights.row(w)); value < least)
          found = row, least = value;
      best.push_back(found);
    }
    return best;
  }
};

struct direct_options {
  binomial_crossover crossover{};
  reset_mutation mutation{.probability = 0.1, .gene_probability = 0.1};
};

/// Models planning_strategy: the uniform configurations, n random ones, then generations of n children, bred from the
/// best that is measured so far: whatever an archive holds is the population that survived. What it returns depends on
/// archive, n and random alone. O(archive log archive + n) a batch, times n directions for decomposition_breeding.
template <class Breeding = dominance_breeding, search_space Space = format_space>
class direct {
 public:
  explicit direct(Space space, direct_options options = {}, Breeding breeding = {})
      : space_(std::move(space)), options_(options), breeding_(breeding), layers_(variable_layers(space_)) {
    for (index const layer : layers_) levels_.push_back(static_cast<int>(space_.choices(layer).size()));
  }

  template <archive Archive>
  planned_batch plan(Archive const& measured, index n, random_stream& random) const {
    if (auto uniform = detail::missing_uniforms(space_, measured); !uniform.empty())
      return {phase::uniform, std::move(uniform)};
    auto const evaluations = std::span<evaluation const>(measured.evaluations());
    auto const begun = [](evaluation const& e) { return e.phase == phase::initial || e.phase == phase::search; };
    if (std::ranges::none_of(evaluations, begun))
      if (auto first = random_design(space_, measured, n, random); !first.empty())
        return {phase::initial, std::move(first)};
    detail::new_batch batch(measured, n);
    breed(evaluations, n, batch, random);
    batch.fill(space_, random);
    return {phase::search, std::move(batch).take()};
  }

  template <archive Archive>
  std::vector<configuration> ask(Archive const& measured, index n, random_stream& random) const {
    return detail::first_of(plan(measured, n, random), n);
  }

  void tell(std::span<configuration const>, std::span<double const>) {}

 private:
  static constexpr int rounds = 100;  // of matings, while they give too few new children

  template <class Batch>
  void breed(std::span<evaluation const> evaluations, index n, Batch& batch, random_stream& random) const {
    std::vector<evaluation const*> pool;
    for (auto const& e : evaluations)
      if (std::isfinite(e.loss) && e.fidelity == 1 && belongs_to(space_, e.configuration)) pool.push_back(&e);
    if (pool.empty() || layers_.empty()) return;
    matrix<double> objectives(std::ssize(pool), 2);
    for (index i = 0; i < objectives.rows(); ++i) {
      objectives(i, 0) = pool[static_cast<std::size_t>(i)]->loss;
      objectives(i, 1) = pool[static_cast<std::size_t>(i)]->average_bits;
    }
    for (int round = 0; round < rounds && batch.missing() > 0; ++round)
      for (auto const& [a, b] : breeding_(objectives, std::max<index>(n, 2), random))
        batch.add(child(*pool[static_cast<std::size_t>(a)], *pool[static_cast<std::size_t>(b)], random));
  }

  configuration child(evaluation const& a, evaluation const& b, random_stream& random) const {
    auto const first = reduced(a.configuration), second = reduced(b.configuration);
    configuration genes(layers_.size());
    options_.crossover(first, second, genes, random);
    options_.mutation(genes, levels_, random);
    auto whole = uniform_configuration(space_, gene{255});
    for (std::size_t v = 0; v < layers_.size(); ++v) whole[static_cast<std::size_t>(layers_[v])] = genes[v];
    return whole;
  }

  configuration reduced(configuration const& whole) const {
    configuration genes;
    for (index const layer : layers_) genes.push_back(whole[static_cast<std::size_t>(layer)]);
    return genes;
  }

  Space space_;
  direct_options options_;
  Breeding breeding_;
  std::vector<index> layers_;
  std::vector<int> levels_;
};

}  // namespace amq
