// local_knapsack: knapsacks on the prediction's own single-gene changes around its front, then polishing by exchange.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/optimizer.hpp"
#include "amq/core/gene_set.hpp"
#include "amq/indicate/pareto.hpp"
#include "amq/optimize/multiple_choice_knapsack.hpp"

namespace amq {

struct local_knapsack_options {
  index sizes = 160;       ///< optima of the additive costs that start the set; intervals of size that polishing fills
  int rounds = 2;          ///< of local knapsacks
  index centres = 14;      ///< members of the predicted front that a round starts from
  index local_sizes = 17;  ///< knapsacks around each centre
  double reach = 0.04;     ///< of the whole range of sizes, on either side of a centre
  int polish_rounds = 12;
  index offspring = 200;  ///< in a round of polishing
  index draws = 3;        ///< additive costs drawn from the posterior, where the problem can
  index draw_sizes = 60;  ///< optima of each
};

/// Models optimizer for sized problems with two objectives, loss and size (the recipe's section 3; its idea, that a
/// front's neighbourhood is nearly additive, makes each centre's best neighbours within any size one knapsack). Start
/// set: `start`, and optima of the additive costs where the problem has them. A round: for evenly spaced members of the
/// set's front all single-gene changes are evaluated in one batch, and knapsacks on these differences join the set.
/// Polishing keeps the best of each interval of size and crosses and exchanges genes. Returns everything it found.
class local_knapsack {
 public:
  using policy_category = optimizer_category;

  explicit local_knapsack(local_knapsack_options options = {}) : options_(options) {
    AMQ_EXPECTS(options.sizes >= 2 && options.centres >= 1 && options.local_sizes >= 1,
                "local_knapsack needs at least two sizes, one centre and one local size");
  }

  template <sized_problem Problem>
  population minimize(Problem& problem, matrix_view<gene const> start, random_stream& random) const {
    run<Problem> search(problem, options_, random);
    if (problem.variables() == 0) return search.pool();
    search.begin(start);
    for (int round = 0; round < options_.rounds; ++round) search.local_round();
    search.polish();
    return search.pool();
  }

 private:
  template <class Problem>
  class run {
   public:
    run(Problem& problem, local_knapsack_options const& options, random_stream& random)
        : problem_(problem), options_(options), random_(random), sizes_(problem.sizes()) {
      for (index v = 0; v < sizes_.rows(); ++v) total_ += sizes_(v, problem.levels(v) - 1);
    }

    void begin(matrix_view<gene const> start) {
      std::vector<configuration> first;
      for (index i = 0; i < start.rows; ++i) first.emplace_back(start.row(i).begin(), start.row(i).end());
      if constexpr (additive_problem<Problem>)
        if (has_costs(problem_)) add_optima(problem_.costs(), options_.sizes, false, first);
      if (first.empty()) add_optima(matrix<double>(sizes_.rows(), sizes_.cols()), 1, false, first);
      add(first);
    }

    void local_round() {
      auto const front = predicted_front();
      index const centres = std::min<index>(options_.centres, std::ssize(front));
      double const offset = random_.uniform();
      std::vector<configuration> found;
      for (index k = 0; k < centres; ++k) {
        auto const place =
            (static_cast<double>(k) + offset) * static_cast<double>(front.size()) / static_cast<double>(centres);
        solve_around(configuration(member(front[static_cast<std::size_t>(place)])), found);
      }
      add(found);
    }

    void polish() {
      std::vector<configuration> drawn;
      if constexpr (sampled_problem<Problem>)
        for (index d = 0; d < options_.draws && has_cost_draws(problem_); ++d)
          add_optima(problem_.draw_costs(random_), options_.draw_sizes, true, drawn);
      add(drawn);
      for (int round = 0; round < options_.polish_rounds; ++round) {
        auto const kept = best_by_interval();
        std::vector<configuration> children;
        for (index i = 0; i < options_.offspring; ++i) children.push_back(child(kept));
        add(children);
      }
    }

    population pool() {
      population all{matrix<gene>(std::ssize(losses_), problem_.variables()),
                     matrix<double>(std::ssize(losses_), problem_.objectives())};
      for (index i = 0; i < all.genes.rows(); ++i) {
        std::ranges::copy(members_[at(i)], all.genes.row(i).begin());
        all.objectives(i, 0) = losses_[at(i)];
        all.objectives(i, 1) = bits_[at(i)];
      }
      return all;
    }

   private:
    static std::size_t at(index i) { return static_cast<std::size_t>(i); }
    configuration const& member(index i) const { return members_[at(i)]; }

    double size_of(configuration const& genes) const {
      double size = 0;
      for (std::size_t v = 0; v < genes.size(); ++v) size += sizes_(static_cast<index>(v), genes[v]);
      return size;
    }

    matrix<double> evaluated(std::span<configuration const> batch) {
      matrix<gene> genes(std::ssize(batch), problem_.variables());
      for (index i = 0; i < genes.rows(); ++i) std::ranges::copy(batch[at(i)], genes.row(i).begin());
      matrix<double> objectives(genes.rows(), problem_.objectives());
      problem_.evaluate(genes, objectives);
      return objectives;
    }

    /// Those that the set lacks join it.
    void add(std::span<configuration const> candidates) {
      std::vector<configuration> fresh;
      for (auto const& genes : candidates)
        if (insert(known_, genes)) fresh.push_back(genes);
      if (fresh.empty()) return;
      auto const objectives = evaluated(fresh);
      for (index i = 0; i < std::ssize(fresh); ++i) {
        sizes_of_members_.push_back(size_of(fresh[at(i)]));
        members_.push_back(std::move(fresh[at(i)]));
        losses_.push_back(objectives(i, 0));
        bits_.push_back(objectives(i, 1));
      }
    }

    void add_optima(matrix<double> const& costs, index count, bool anywhere, std::vector<configuration>& found) {
      multiple_choice_knapsack const optima(costs, sizes_);
      for (index i = 0; i < count; ++i) {
        double const place = anywhere    ? random_.uniform()
                             : count > 1 ? static_cast<double>(i) / static_cast<double>(count - 1)
                                         : 0.0;
        configuration genes(at(problem_.variables()));
        optima.within(place * optima.total(), genes);
        found.push_back(std::move(genes));
      }
    }

    /// Members of the predicted front, smallest first.
    std::vector<index> predicted_front() const {
      matrix<double> objectives(std::ssize(losses_), 2);
      for (index i = 0; i < objectives.rows(); ++i) {
        objectives(i, 0) = losses_[at(i)];
        objectives(i, 1) = sizes_of_members_[at(i)];
      }
      auto front = front_indices(objectives);
      std::stable_sort(front.begin(), front.end(),
                       [&](index a, index b) { return sizes_of_members_[at(a)] < sizes_of_members_[at(b)]; });
      return front;
    }

    /// What a level of one variable changes, all else as in the centre; in logarithms, where losses differ by factors.
    void solve_around(configuration const& centre, std::vector<configuration>& found) {
      std::vector<configuration> changes{centre};
      for (index v = 0; v < problem_.variables(); ++v)
        for (int level = 0; level < problem_.levels(v); ++level)
          if (level != centre[at(v)]) {
            changes.push_back(centre);
            changes.back()[at(v)] = static_cast<gene>(level);
          }
      auto const objectives = evaluated(changes);
      matrix<double> costs(sizes_.rows(), sizes_.cols());
      std::fill_n(costs.data(), costs.size(), std::numeric_limits<double>::infinity());
      index row = 1;
      for (index v = 0; v < problem_.variables(); ++v)
        for (int level = 0; level < problem_.levels(v); ++level)
          costs(v, level) = level == centre[at(v)] ? 0.0 : difference(objectives(row++, 0), objectives(0, 0));
      multiple_choice_knapsack const around(costs, sizes_);
      for (index k = 0; k < options_.local_sizes; ++k) {
        double const place = options_.local_sizes > 1
                                 ? 2.0 * static_cast<double>(k) / static_cast<double>(options_.local_sizes - 1) - 1
                                 : 0.0;
        configuration genes(centre.size());
        around.within(size_of(centre) + place * options_.reach * total_, genes);
        found.push_back(std::move(genes));
      }
    }

    static double difference(double loss, double centre) {
      return loss > 0 && centre > 0 ? std::log(loss) - std::log(centre) : loss - centre;
    }

    index interval_of(index i) const {
      double const place = total_ > 0 ? sizes_of_members_[at(i)] / total_ : 0;
      return std::clamp<index>(static_cast<index>(place * static_cast<double>(options_.sizes)), 0, options_.sizes - 1);
    }

    std::vector<index> best_by_interval() const {
      std::vector<index> best(at(options_.sizes), -1);
      for (index i = 0; i < std::ssize(losses_); ++i) {
        auto& kept = best[at(interval_of(i))];
        if (kept < 0 || losses_[at(i)] < losses_[at(kept)]) kept = i;
      }
      std::erase(best, index{-1});
      return best;
    }

    configuration child(std::vector<index> const& kept) {
      index const place = random_.below(std::ssize(kept));
      configuration genes = member(kept[at(place)]);
      if (random_.bernoulli(0.5)) {
        index const mate = std::clamp<index>(place + random_.below(13) - 6, 0, std::ssize(kept) - 1);
        auto const& other = member(kept[at(mate)]);
        for (std::size_t v = 0; v < genes.size(); ++v)
          if (random_.bernoulli(0.5)) genes[v] = other[v];
      }
      for (int exchange = 0; exchange < 3; ++exchange) {
        double const which = random_.uniform();
        if (which < 0.2 || (which >= 0.4 && which < 0.75)) step(genes, 1);
        if (which >= 0.2 && which < 0.75) step(genes, -1);
      }
      return genes;
    }

    void step(configuration& genes, int by) {
      index const v = random_.below(problem_.variables());
      int const level = genes[at(v)] + by;
      if (level >= 0 && level < problem_.levels(v)) genes[at(v)] = static_cast<gene>(level);
    }

    Problem& problem_;
    local_knapsack_options const& options_;
    random_stream& random_;
    matrix<double> sizes_;
    double total_ = 0;
    std::vector<configuration> members_;
    std::vector<double> losses_, bits_, sizes_of_members_;
    gene_set known_;
  };

  local_knapsack_options options_;
};

}  // namespace amq
