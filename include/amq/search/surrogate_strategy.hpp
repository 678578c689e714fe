// surrogate_strategy: AMQ's search-and-update: predict, optimize on the prediction, choose what to measure.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/archive.hpp"
#include "amq/concepts/infill.hpp"
#include "amq/concepts/initial_design.hpp"
#include "amq/concepts/objective.hpp"
#include "amq/concepts/optimizer.hpp"
#include "amq/concepts/predictor.hpp"
#include "amq/concepts/strategy.hpp"
#include "amq/core/gene_set.hpp"
#include "amq/indicate/pareto.hpp"
#include "amq/search/amq_design.hpp"
#include "amq/search/designs.hpp"
#include "amq/search/measured.hpp"
#include "amq/search/memory_archive.hpp"
#include "amq/search/subset_selection.hpp"
#include "amq/search/surrogate_problem.hpp"
#include "amq/search/unmeasured.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

struct surrogate_options {
  bool learn_from_sensitivities = false;  ///< whether they train the predictor and start the optimizer, too
  bool fill_batches = true;               ///< whether a batch is filled when the optimizer found too little that is new
  bool kind_first = false;                ///< AMQ's order of variables (of spaces that know it), else checkpoint order
  int attempts = 1;                       ///< runs of the optimizer until one finds anything new
};

/// Models planning_strategy (arXiv 2509.12019, section 4.3). First the initial design; then each ask() fits the
/// predictor to everything measured in the space that the design left, lets the optimizer start from the measured front
/// and minimise (predicted loss, average bits), drops what is measured and lets the infill choose n. With
/// `fill_batches` a short batch is filled from all the optimizer has seen, best predicted fronts first, then from
/// neighbours of the measured front, then from anywhere: ask() returns fewer than n only when the space has no more.
/// What it returns depends on archive, n and random alone.
///
/// Further objectives (AutoMixQ's setting, arXiv 2411.13814) are minimised beside those two: the optimizer starts from
/// the front of all of them, and the infill is given candidates with a column for each; `crowding_infill` heeds them.
template <class Predictor, class Optimizer, class Infill = spread_infill, class Initial = amq_design,
          search_space Space = format_space>
class surrogate_strategy {
  using problem = surrogate_problem<Space, Predictor>;
  static_assert(diagnose_predictor<Predictor, Space>());
  static_assert(diagnose_optimizer<Optimizer, problem>());
  static_assert(diagnose_infill<Infill, Predictor>());
  static_assert(diagnose_initial_design<Initial, Space, memory_archive>());

 public:
  explicit surrogate_strategy(Space space, surrogate_options options = {}, Predictor predictor = Predictor{},
                              Optimizer optimizer = Optimizer{}, Infill infill = Infill{}, Initial initial = Initial{},
                              std::vector<any_objective> further = {})
      : whole_(std::move(space)),
        space_(whole_),
        options_(options),
        predictor_(std::move(predictor)),
        optimizer_(std::move(optimizer)),
        infill_(std::move(infill)),
        initial_(std::move(initial)),
        further_(std::move(further)),
        layers_(order_layers()) {}

  /// A batch of the initial design, of its own size, or n configurations of the search.
  template <archive Archive>
  planned_batch plan(Archive const& measured, index n, random_stream& random) {
    auto design = initial_.next(whole_, measured, random);
    if (!design.configurations.empty()) return design;
    pin(initial_.pinned(whole_, measured));
    return {phase::search, search(measured, n, random)};
  }

  /// At most n of what plan() returns: a design's batch that is larger comes in several asks.
  template <archive Archive>
  std::vector<configuration> ask(Archive const& measured, index n, random_stream& random) {
    auto asked = plan(measured, n, random).configurations;
    if (std::ssize(asked) > n) asked.resize(static_cast<std::size_t>(std::max<index>(n, 0)));
    return asked;
  }

  /// Nothing to learn between asks: the archive says it all.
  void tell(std::span<configuration const>, std::span<double const>) {}

  /// False before the first ask of the search phase. Throws what the predictor throws.
  bool predict(matrix_view<gene const> genes, std::span<double> losses) const {
    if (fitted_) predictor_.predict(genes, losses);
    return fitted_;
  }

  /// Layers that the initial design takes out of the search.
  template <archive Archive>
  std::vector<index> pinned(Archive const& measured) const {
    return initial_.pinned(whole_, measured);
  }

  /// The space that is searched by now.
  Space const& space() const { return space_; }
  Predictor const& predictor() const { return predictor_; }

 private:
  template <archive Archive>
  std::vector<configuration> search(Archive const& measured, index n, random_stream& random) {
    batch chosen{n};
    auto const known = [&](std::span<gene const> genes) {
      return measured.contains(genes) || chosen.members.contains(genes);
    };
    training const data = gather(measured.evaluations());
    if (!data.losses.empty() && !layers_.empty()) {
      predictor_.fit(space_, data.genes, data.losses);
      fitted_ = true;
      for (int attempt = 0; attempt < options_.attempts && chosen.configurations.empty(); ++attempt)
        optimize(data, known, chosen, random);
    }
    if (options_.fill_batches && chosen.missing() > 0)
      for (auto const& genes : unmeasured_anywhere(space_, known, measured.evaluations().size() + chosen.members.size(),
                                                   chosen.missing(), random))
        chosen.add(genes);
    return std::move(chosen.configurations);
  }

  struct training {
    matrix<gene> genes;
    std::vector<double> losses;
    std::vector<index> front;        // rows that nothing beats in all objectives, fewest bits first
    std::vector<double> front_bits;  // of the front of loss and bits, rising
    std::vector<double> front_losses;
    hypervolume_frame frame;
  };
  struct batch {
    index size;
    std::vector<configuration> configurations{};
    gene_set members{};

    index missing() const { return size - std::ssize(configurations); }
    void add(std::span<gene const> genes) {
      if (insert(members, genes)) configurations.emplace_back(genes.begin(), genes.end());
    }
  };

  static constexpr index most_neighbours = 4000;

  void pin(std::vector<index> layers) {
    if constexpr (pinnable_space<Space>) {
      if (layers == pinned_) return;
      pinned_ = std::move(layers);
      space_ = whole_.pin(pinned_);
      layers_ = order_layers();
    }
  }

  std::vector<index> order_layers() const {
    auto layers = variable_layers(space_);
    if constexpr (requires { space_.variable_order(); })
      if (options_.kind_first) {
        std::vector<index> ordered;
        for (index const layer : space_.variable_order())
          if (std::find(layers.begin(), layers.end(), layer) != layers.end()) ordered.push_back(layer);
        return ordered;
      }
    return layers;
  }

  training gather(std::span<evaluation const> evaluations) const {
    std::vector<evaluation const*> used;
    for (auto const& e : evaluations)
      if (std::isfinite(e.loss) && e.fidelity == 1 && belongs_to(space_, e.configuration) &&
          (options_.learn_from_sensitivities || e.phase != phase::sensitivity))
        used.push_back(&e);
    training data{matrix<gene>(std::ssize(used), space_.size()), {}, {}, {}, {}, frame_of(evaluations)};
    matrix<double> objectives(std::ssize(used), 2 + std::ssize(further_));
    for (index i = 0; i < std::ssize(used); ++i) {
      auto const& e = *used[static_cast<std::size_t>(i)];
      std::ranges::copy(e.configuration, data.genes.row(i).begin());
      data.losses.push_back(e.loss);
      objectives(i, 0) = e.loss;
      objectives(i, 1) = e.average_bits;
      for (std::size_t m = 0; m < further_.size(); ++m)
        objectives(i, 2 + static_cast<index>(m)) = further_[m].value(e.configuration);
    }
    data.front = by_bits(front_indices(objectives), objectives);
    matrix_view<double const> const loss_and_bits(objectives.data(), objectives.rows(), 2, objectives.cols());
    for (index const row : by_bits(front_indices(loss_and_bits), objectives)) {
      data.front_bits.push_back(objectives(row, 1));
      data.front_losses.push_back(objectives(row, 0));
    }
    return data;
  }

  static std::vector<index> by_bits(std::vector<index> rows, matrix<double> const& objectives) {
    std::stable_sort(rows.begin(), rows.end(), [&](index a, index b) { return objectives(a, 1) < objectives(b, 1); });
    return rows;
  }

  /// All-lowest and all-highest of the whole space, as far as they are measured.
  hypervolume_frame frame_of(std::span<evaluation const> evaluations) const {
    auto const lowest = uniform_configuration(whole_, 0), highest = uniform_configuration(whole_, gene{255});
    hypervolume_frame frame{whole_.average_bits(lowest), whole_.average_bits(highest), 1, 0};
    for (auto const& e : evaluations) {
      if (e.fidelity < 1 || !std::isfinite(e.loss)) continue;
      if (e.configuration == lowest) frame.lowest_loss = e.loss;
      if (e.configuration == highest) frame.highest_loss = e.loss;
    }
    return frame;
  }

  template <class Known>
  void optimize(training const& data, Known const& known, batch& chosen, random_stream& random) {
    problem cheap(space_, predictor_, layers_, further_);
    matrix<gene> start(std::ssize(data.front), cheap.variables());
    for (index i = 0; i < start.rows(); ++i)
      cheap.reduce(data.genes.row(data.front[static_cast<std::size_t>(i)]), start.row(i));
    auto const found = optimizer_.minimize(cheap, start, random);
    population const last{cheap.expand(found.genes), found.objectives.clone()};
    take(new_ones(std::span(&last, 1), known), data, chosen, random);
    if (!options_.fill_batches) return;
    if (chosen.missing() > 0)
      take(best_fronts(new_ones(cheap.history(), known), chosen.missing()), data, chosen, random);
    if (chosen.missing() > 0) {
      std::vector<configuration> centres;
      for (index const row : data.front) centres.emplace_back(data.genes.row(row).begin(), data.genes.row(row).end());
      auto const around = unmeasured_neighbours(space_, centres, known, most_neighbours, random);
      auto const rated = cheap.rated(rows_of(around));
      take(best_fronts(new_ones(std::span(&rated, 1), known), chosen.missing()), data, chosen, random);
    }
  }

  matrix<gene> rows_of(std::span<configuration const> configurations) const {
    matrix<gene> rows(std::ssize(configurations), space_.size());
    for (index i = 0; i < rows.rows(); ++i)
      std::ranges::copy(configurations[static_cast<std::size_t>(i)], rows.row(i).begin());
    return rows;
  }

  static population rows_of(std::span<population const> pools, std::span<std::pair<std::size_t, index> const> rows) {
    index const cols = pools.empty() ? 0 : pools[0].genes.cols();
    index const objectives = pools.empty() ? 0 : pools[0].objectives.cols();
    population result{matrix<gene>(std::ssize(rows), cols), matrix<double>(std::ssize(rows), objectives)};
    for (index i = 0; i < std::ssize(rows); ++i) {
      auto const [pool, row] = rows[static_cast<std::size_t>(i)];
      std::ranges::copy(pools[pool].genes.row(row), result.genes.row(i).begin());
      std::ranges::copy(pools[pool].objectives.row(row), result.objectives.row(i).begin());
    }
    return result;
  }

  /// What is not known, once each.
  template <class Known>
  static population new_ones(std::span<population const> pools, Known const& known) {
    std::vector<std::pair<std::size_t, index>> rows;
    gene_set seen;
    for (std::size_t pool = 0; pool < pools.size(); ++pool)
      for (index row = 0; row < pools[pool].genes.rows(); ++row)
        if (auto const genes = pools[pool].genes.row(row); !known(genes) && insert(seen, genes))
          rows.emplace_back(pool, row);
    return rows_of(pools, rows);
  }

  /// Whole fronts, best first, until there are n.
  static population best_fronts(population candidates, index n) {
    std::vector<std::pair<std::size_t, index>> rows;
    for (auto const& front : fronts_by_rank(non_dominated_ranks(candidates.objectives))) {
      if (std::ssize(rows) >= n) break;
      for (index const row : front) rows.emplace_back(0, row);
    }
    return rows_of(std::span(&candidates, 1), rows);
  }

  void take(population const& candidates, training const& data, batch& chosen, random_stream& random) const {
    auto bits = data.front_bits, losses = data.front_losses;
    if (!chosen.configurations.empty()) add_predictions(chosen.configurations, bits, losses);
    infill_context const context{bits, losses, data.frame};
    for (index const row : infill_.select(predictor_, candidates, context, chosen.missing(), random))
      chosen.add(candidates.genes.row(row));
  }

  /// What is chosen already counts as measured, with its predicted loss.
  void add_predictions(std::span<configuration const> chosen, std::vector<double>& bits,
                       std::vector<double>& losses) const {
    std::vector<double> predicted(chosen.size());
    predictor_.predict(rows_of(chosen), predicted);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      bits.push_back(space_.average_bits(chosen[i]));
      losses.push_back(predicted[i]);
    }
  }

  Space whole_;
  Space space_;
  surrogate_options options_;
  Predictor predictor_;
  Optimizer optimizer_;
  Infill infill_;
  Initial initial_;
  std::vector<any_objective> further_;
  std::vector<index> pinned_;
  std::vector<index> layers_;  // the optimizer's variables
  bool fitted_ = false;
};

}  // namespace amq
