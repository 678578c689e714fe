// One run of one strategy on a landscape, and what a comparison wants to know about it.
#pragma once

#include <time.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/indicate/attainment.hpp"
#include "amq/indicate/correlation.hpp"
#include "amq/indicate/hypervolume.hpp"
#include "amq/laboratory/ranking.hpp"
#include "amq/search/any_strategy.hpp"
#include "amq/search/search.hpp"

namespace amq {

/// A strategy as a comparison knows it.
struct compared_strategy {
  std::string name;
  strategy_factory make;
  std::optional<index> candidates{};             ///< in a batch, where the strategy wants its own number
  std::map<std::string, std::string> factors{};  ///< what was varied, level by factor; empty outside factorials
};

/// Average bits at which the best loss is reported.
inline constexpr std::array<double, 3> reported_bits{2.5, 3.0, 3.5};

/// How well the strategy's predictor ranked, before anything of it was measured.
struct batch_ranking {
  std::optional<double> kendall;   ///< tau-b over the batch
  std::optional<double> spearman;  ///< rho over the batch
  pair_counts near;                ///< the batch's pairs within 1 % of the range of bits
  pair_counts fresh;               ///< the same of candidates near the front that no strategy has chosen
};

/// After one batch.
struct comparison_row {
  double evaluations = 0;  ///< all so far, partial ones by their share
  double seconds = 0;      ///< the strategy's own CPU time so far, and the evaluations' where they are measured
  double hypervolume = 0;
  double log_hypervolume = 0;
  std::array<double, reported_bits.size()> best{};  ///< least loss within reported_bits; infinite where nothing fits
  batch_ranking ranking{};
};

struct comparison_run {
  std::string strategy;
  std::uint64_t seed = 0;
  std::vector<comparison_row> rows;
  std::vector<objective_pair> front;  ///< (average bits, loss) of what is not dominated, rising in bits
};

/// What is the same for every run of a comparison.
struct run_conditions {
  search_budget budget;
  hypervolume_frame frame;  ///< all-lowest and all-highest of the landscape
  index probes = 96;        ///< fresh candidates that the predictor is tried on before each batch; 0: none
  std::function<bool()> stop_requested{};
};

namespace detail {

/// CPU seconds of this thread.
inline double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Turns what is measured into rows.
class run_recorder {
 public:
  explicit run_recorder(run_conditions const& conditions)
      : raw_(conditions.frame, loss_scale::raw),
        logarithmic_(conditions.frame, loss_scale::logarithmic),
        width_(0.01 * (conditions.frame.highest_bits - conditions.frame.lowest_bits)) {
    now_.best.fill(std::numeric_limits<double>::infinity());
  }

  double width() const { return width_; }
  void add_seconds(double seconds) { now_.seconds += seconds; }
  void add_fresh(pair_counts const& counts) { now_.ranking.fresh = counts; }

  void predicted(std::span<configuration const> batch, std::span<double const> losses) {
    for (std::size_t i = 0; i < batch.size(); ++i) predictions_.try_emplace(batch[i], losses[i]);
  }

  /// The row of everything measured since the last one; none where that is nothing.
  void finish_batch(std::span<evaluation const> evaluations) {
    if (seen_ == evaluations.size()) return;
    std::vector<double> bits, losses, guesses;
    for (; seen_ < evaluations.size(); ++seen_) {
      auto const& e = evaluations[seen_];
      now_.evaluations += e.fidelity;
      now_.seconds += e.seconds;
      if (e.fidelity < 1 || !std::isfinite(e.loss)) continue;
      add(e);
      if (auto const guess = predictions_.find(e.configuration); guess != predictions_.end()) {
        bits.push_back(e.average_bits);
        losses.push_back(e.loss);
        guesses.push_back(guess->second);
      }
    }
    if (!guesses.empty()) {
      now_.ranking.kendall = kendall_tau(guesses, losses);
      now_.ranking.spearman = spearman(guesses, losses);
      now_.ranking.near = nearly_equal_pairs(bits, guesses, losses, width_);
    }
    now_.hypervolume = raw_steps_.area();
    now_.log_hypervolume = logarithmic_steps_.area();
    rows_.push_back(now_);
    now_.ranking = {};
    predictions_.clear();
  }

  std::vector<comparison_row> take_rows() { return std::move(rows_); }

 private:
  static constexpr double reference = normalised_plane::reference;

  void add(evaluation const& e) {
    raw_steps_.add(raw_.bits(e.average_bits), raw_.loss(e.loss));
    logarithmic_steps_.add(logarithmic_.bits(e.average_bits), logarithmic_.loss(e.loss));
    for (std::size_t b = 0; b < reported_bits.size(); ++b)
      if (e.average_bits <= reported_bits[b]) now_.best[b] = std::min(now_.best[b], e.loss);
  }

  normalised_plane raw_;
  normalised_plane logarithmic_;
  staircase raw_steps_{reference, reference};
  staircase logarithmic_steps_{reference, reference};
  double width_;
  comparison_row now_;
  gene_map<double> predictions_;
  std::size_t seen_ = 0;
  std::vector<comparison_row> rows_;
};

/// A strategy whose time is taken and whose predictions are noted. Models planning_strategy.
template <class Evaluator>
class watched_strategy {
 public:
  watched_strategy(any_strategy inner, format_space const& space, Evaluator& evaluator, run_recorder& recorder,
                   std::uint64_t seed, index probes)
      : inner_(std::move(inner)),
        space_(&space),
        evaluator_(&evaluator),
        recorder_(&recorder),
        seed_(seed),
        probes_(probes) {}

  planned_batch plan(memory_archive const& measured, index n, random_stream& random) {
    recorder_->finish_batch(measured.evaluations());
    double const start = thread_seconds();
    auto batch = inner_.plan(measured, n, random);
    recorder_->add_seconds(thread_seconds() - start);
    if (batch.phase == phase::search && !batch.configurations.empty()) note_predictions(batch.configurations, measured);
    ++batches_;
    return batch;
  }
  std::vector<configuration> ask(memory_archive const& measured, index n, random_stream& random) {
    return inner_.ask(measured, n, random);
  }
  void tell(std::span<configuration const> configurations, std::span<double const> losses) {
    double const start = thread_seconds();
    inner_.tell(configurations, losses);
    recorder_->add_seconds(thread_seconds() - start);
  }
  std::vector<index> pinned(memory_archive const& measured) const { return inner_.pinned(measured); }

 private:
  static matrix<gene> rows_of(std::span<configuration const> configurations) {
    matrix<gene> rows(std::ssize(configurations), std::ssize(configurations.front()));
    for (index i = 0; i < rows.rows(); ++i)
      std::ranges::copy(configurations[static_cast<std::size_t>(i)], rows.row(i).begin());
    return rows;
  }

  void note_predictions(std::span<configuration const> batch, memory_archive const& measured) {
    std::vector<double> losses(batch.size());
    if (!inner_.predict(rows_of(batch), losses)) return;
    recorder_->predicted(batch, losses);
    if (probes_ > 0) probe(measured);
  }

  /// These evaluations are the comparison's, not the strategy's: they are neither shown to it nor counted.
  void probe(memory_archive const& measured) {
    constexpr std::uint64_t probing = std::uint64_t{1} << 40;  // streams that no search uses
    random_stream random(seed_, probing + batches_);
    auto const candidates = fresh_near_front(space_->pin(inner_.pinned(measured)), measured, probes_, random);
    if (candidates.empty()) return;
    std::vector<double> predicted(candidates.size());
    inner_.predict(rows_of(candidates), predicted);
    std::vector<measurement> found(candidates.size());
    evaluator_->evaluate(candidates, found);
    std::vector<double> bits, guesses, losses;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (!found[i].error.empty() || !std::isfinite(found[i].loss)) continue;
      bits.push_back(space_->average_bits(candidates[i]));
      guesses.push_back(predicted[i]);
      losses.push_back(found[i].loss);
    }
    recorder_->add_fresh(nearly_equal_pairs(bits, guesses, losses, recorder_->width()));
  }

  any_strategy inner_;
  format_space const* space_;
  Evaluator* evaluator_;
  run_recorder* recorder_;
  std::uint64_t seed_;
  index probes_;
  std::uint64_t batches_ = 0;
};

inline std::vector<objective_pair> measured_front(format_space const& space, memory_archive const& archive) {
  std::vector<objective_pair> front;
  for (auto const* e : front_members(space, archive.evaluations())) front.push_back({e->average_bits, e->loss});
  return front;
}

}  // namespace detail

/// Runs a strategy; empty where stop_requested() ended it. Seeds are paired: strategies with one initial design measure
/// the same one under the same seed. Everything but `seconds` is a function of the arguments. Throws as run_search.
template <class Evaluator>
std::optional<comparison_run> run_strategy(format_space const& space, Evaluator& evaluator,
                                           compared_strategy const& compared, std::uint64_t seed,
                                           run_conditions const& conditions) {
  search_options options{seed, conditions.budget, conditions.stop_requested};
  if (compared.candidates) options.budget.candidates = *compared.candidates;
  detail::run_recorder recorder(conditions);
  memory_archive archive;
  auto const make = [&](format_space const& whole, search_budget const& budget) {
    return detail::watched_strategy<Evaluator>(compared.make(whole, budget), space, evaluator, recorder, seed,
                                               conditions.probes);
  };
  auto const result = run_search(space, evaluator, archive, make, options);
  if (result.end == search_end::interrupted) return std::nullopt;
  recorder.finish_batch(archive.evaluations());
  return comparison_run{compared.name, seed, recorder.take_rows(), detail::measured_front(space, archive)};
}

}  // namespace amq
