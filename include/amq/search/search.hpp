// The loop: uniform configurations, sensitivities, an initial design, then what a strategy asks for, until the budget.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/archive.hpp"
#include "amq/concepts/evaluator.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/concepts/strategy.hpp"
#include "amq/core/error.hpp"
#include "amq/core/random.hpp"
#include "amq/search/designs.hpp"
#include "amq/search/memory_archive.hpp"
#include "amq/search/progress.hpp"
#include "amq/space/sensitivity.hpp"

namespace amq {

/// How many evaluations a search may make, everything counted, and how they are split.
struct search_budget {
  index evaluations = 0;  ///< in all: uniform configurations, sensitivities, initial design, batches
  index initial = 250;    ///< uniform configurations and initial design together
  index candidates = 50;  ///< in a batch

  /// For `evaluations` in all: min(250, N / 4) initial, batches of min(50, max(10, N / 40)).
  static search_budget of(index evaluations) {
    return {evaluations, std::min<index>(250, evaluations / 4),
            std::min<index>(50, std::max<index>(10, evaluations / 40))};
  }
  /// AMQ's published one: the sensitivities of `layers`, 250 initial and 200 batches of 50.
  static search_budget published(index layers) { return of(layers + 10250); }
};

/// A number that must be given.
struct search_seed {
  std::uint64_t value;
  constexpr search_seed(std::uint64_t v) : value(v) {}
};

struct search_options {
  search_seed seed;
  search_budget budget;
  double sensitivity_threshold = default_sensitivity_threshold;  ///< x median: layers above it are pinned; inf: none
  std::function<bool()> stop_requested{};                        ///< asked after each evaluation
  choice_odds odds = choice_odds::even;                          ///< of the random part of the initial design
};

enum class search_end : std::uint8_t {
  finished,     ///< the budget is spent
  interrupted,  ///< stop_requested() said so; the archive may be continued
  exhausted,    ///< the strategy had no new configuration left
};

struct search_result {
  search_end end = search_end::finished;
  index resumed = 0;            ///< evaluations that were in the archive before
  index measured = 0;           ///< evaluations that this run added
  index failed = 0;             ///< of all in the archive: those without a finite loss
  std::vector<index> pinned{};  ///< layers; empty as long as sensitivities are missing
};

/// Spaces that know themselves with some layers pinned. Others are searched unpinned.
template <class Space>
concept pinnable_space = requires(Space const& s, std::span<index const> layers) {
  { s.pin(layers) } -> std::same_as<Space>;
};

namespace detail {

template <class Space, class Evaluator, class Archive>
class search_loop {
 public:
  search_loop(Space const& space, Evaluator& evaluator, Archive& archive, search_options const& options,
              search_observer const& observer)
      : space_(space), evaluator_(evaluator), archive_(archive), options_(options), observer_(observer) {
    result_.resumed = recorded();
  }

  template <class MakeStrategy>
  search_result run(MakeStrategy&& make_strategy) {
    auto const uniform = uniform_configurations(space_);
    auto const alone = unmeasured(sensitivity_configurations(space_), uniform);
    if (!run_phase(phase::uniform, uniform) || !run_phase(phase::sensitivity, alone)) return finish();
    auto const pinned = pin();
    auto random = stream();
    auto const design =
        initial_design(pinned, seen_, options_.budget.initial - std::ssize(uniform), random, options_.odds);
    if (!run_phase(phase::initial, design)) return finish();
    auto strategy = make_strategy(pinned);
    static_assert(diagnose_strategy<decltype(strategy), memory_archive>());
    announce(phase::search, options_.budget.evaluations - std::ssize(seen_.evaluations()));
    while (!stopped_ && ask_and_measure(strategy)) {
    }
    return finish();
  }

 private:
  index recorded() const { return std::ssize(std::span<evaluation const>(archive_.evaluations())); }
  evaluation const& recorded(index i) const {
    return std::span<evaluation const>(archive_.evaluations())[static_cast<std::size_t>(i)];
  }
  index measured() const { return std::ssize(seen_.evaluations()); }
  random_stream stream() const { return random_stream(options_.seed.value, static_cast<std::uint64_t>(batch_)); }

  static std::vector<configuration> unmeasured(std::vector<configuration> asked,
                                               std::vector<configuration> const& taken) {
    std::erase_if(asked,
                  [&](configuration const& c) { return std::find(taken.begin(), taken.end(), c) != taken.end(); });
    return asked;
  }

  void announce(phase p, index planned) const {
    if (observer_.on_phase && planned > 0) observer_.on_phase(p, planned);
  }

  bool run_phase(phase p, std::vector<configuration> const& asked) {
    announce(p, std::min(std::ssize(asked), options_.budget.evaluations - measured()));
    return run_batch(p, asked);
  }

  /// Layers whose sensitivity is above the threshold are pinned; sensitivities are looked up, as one may have been
  /// measured as a uniform configuration.
  Space pin() {
    auto const layers = variable_layers(space_);
    std::vector<double> sensitivities;
    for (auto const& genes : sensitivity_configurations(space_)) sensitivities.push_back(seen_.find(genes)->loss);
    if constexpr (pinnable_space<Space>) {
      if (layers.empty()) return space_;
      for (index const i : pinned_by_sensitivity(sensitivities, options_.sensitivity_threshold))
        result_.pinned.push_back(layers[static_cast<std::size_t>(i)]);
      return space_.pin(result_.pinned);
    } else {
      return space_;
    }
  }

  template <class Strategy>
  bool ask_and_measure(Strategy& strategy) {
    if (measured() >= options_.budget.evaluations) return false;
    if (replay_whole_batch()) return true;
    auto random = stream();
    auto asked = strategy.ask(seen_, options_.budget.candidates, random);
    gene_set once;
    std::erase_if(asked, [&](configuration const& c) { return seen_.contains(c) || !insert(once, c); });
    if (asked.empty()) {
      expect_nothing_more();
      result_.end = search_end::exhausted;
      return false;
    }
    index const before = measured();
    bool const more = run_batch(phase::search, asked);
    std::vector<double> losses;
    for (index i = before; i < measured(); ++i) losses.push_back(seen_.evaluations()[static_cast<std::size_t>(i)].loss);
    strategy.tell(std::span<configuration const>(asked).first(losses.size()), losses);
    return more;
  }

  /// A batch that later ones follow was asked for with this very archive: no need to ask again.
  bool replay_whole_batch() {
    if (recorded() == 0 || recorded(recorded() - 1).batch <= batch_) return false;
    index const first = measured();
    while (measured() < options_.budget.evaluations && recorded(measured()).batch == batch_)
      seen_.record(recorded(measured()));
    if (measured() == first) refuse("batch " + std::to_string(batch_));
    ++batch_;
    return true;
  }

  /// Takes what the archive has of this batch, checks it and measures the rest. False when the search ends here.
  bool run_batch(phase p, std::vector<configuration> const& asked) {
    index const room = std::min(std::ssize(asked), options_.budget.evaluations - measured());
    index done = 0;
    for (; done < room && measured() < recorded(); ++done) {
      auto const& e = recorded(measured());
      if (e.configuration != asked[static_cast<std::size_t>(done)] || e.batch != batch_ || e.phase != p)
        refuse(std::string("its ") + to_string(p) + " configurations");
      seen_.record(e);
    }
    if (done < room && !stop())
      measure(p, std::span(asked).subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(room - done)));
    ++batch_;
    // What comes before the next evaluation, a fit say, may take long.
    if constexpr (requires { archive_.flush(); }) archive_.flush();
    return !stopped_ && measured() < options_.budget.evaluations;
  }

  void measure(phase p, std::span<configuration const> batch) {
    auto sink = [&](std::size_t i, measurement&& m) {
      record(p, batch[i], std::move(m));
      return !stop();
    };
    if constexpr (streaming_evaluator<Evaluator>) {
      evaluator_.evaluate_each(batch, sink);
    } else {
      std::vector<measurement> all(batch.size());
      evaluator_.evaluate(batch, all);
      for (std::size_t i = 0; i < batch.size(); ++i) sink(i, std::move(all[i]));
    }
  }

  /// What cannot be measured is recorded with an infinite loss: it counts, is never asked for again and is on no front.
  void record(phase p, configuration const& genes, measurement&& m) {
    if (m.error.empty() && !std::isfinite(m.loss)) m.error = "its loss is " + std::to_string(m.loss);
    if (!m.error.empty() && observer_.on_failure) observer_.on_failure(genes, m.error);
    evaluation e{genes,
                 space_.average_bits(genes),
                 space_.model_bytes(genes),
                 m.loss,
                 std::move(m.sequence_losses),
                 p,
                 batch_,
                 m.seconds};
    if (!m.error.empty()) e.loss = std::numeric_limits<double>::infinity();
    seen_.record(e);
    archive_.record(std::move(e));
    ++result_.measured;
    if (!observer_.on_evaluation) return;
    observer_.on_evaluation(
        {measured(), options_.budget.evaluations, &seen_.evaluations().back(), [this](loss_scale scale) {
           auto const frame = find_frame(space_, seen_);
           return frame ? std::optional(normalised_hypervolume(seen_.evaluations(), *frame, scale)) : std::nullopt;
         }});
  }

  bool stop() {
    stopped_ = stopped_ || (options_.stop_requested && options_.stop_requested());
    return stopped_;
  }

  void expect_nothing_more() const {
    if (measured() < recorded()) refuse("evaluation " + std::to_string(measured()));
  }

  [[noreturn]] void refuse(std::string const& what) const {
    throw input_error("the archive is not one of this search: evaluation " + std::to_string(measured()) +
                      " differs in " + what +
                      " from what this seed, space and budget give; resume with the settings it was made with");
  }

  search_result finish() {
    if (stopped_ && measured() < options_.budget.evaluations) result_.end = search_end::interrupted;
    result_.failed =
        std::ranges::count_if(seen_.evaluations(), [](evaluation const& e) { return !std::isfinite(e.loss); });
    return result_;
  }

  Space const& space_;
  Evaluator& evaluator_;
  Archive& archive_;
  search_options const& options_;
  search_observer const& observer_;
  memory_archive seen_;  // what the search knows: while resuming, a prefix of the archive
  search_result result_;
  int batch_ = 0;
  bool stopped_ = false;
};

}  // namespace detail

/// Runs a search, or continues the one whose first evaluations the archive holds, until the budget is spent: uniform
/// configurations of every width (batch 0), each layer alone at its lowest choice (1), the initial design (2) in the
/// space without the layers that are too sensitive, then what the strategy asks for. `make_strategy(pinned space)`
/// gives the strategy; it always sees a memory_archive.
///
/// Batch b draws from random_stream(seed, b) and depends on the archive before it alone, so an archive that was
/// interrupted anywhere, or ended at a smaller budget, is continued to the same archive that a straight run gives,
/// `seconds` aside; initial and candidates must be those of the first run. Throws input_error for an archive that is
/// not one of this search and for a budget below 1. A configuration that cannot be measured is recorded with an
/// infinite loss. An exception of the evaluator ends the search; what was recorded stays.
template <search_space Space, evaluator Evaluator, archive Archive, class MakeStrategy>
search_result run_search(Space const& space, Evaluator& evaluator, Archive& archive, MakeStrategy&& make_strategy,
                         search_options const& options, search_observer const& observer = {}) {
  if (options.budget.evaluations < 1 || options.budget.candidates < 1)
    throw input_error("a search needs at least 1 evaluation and 1 candidate a batch, not " +
                      std::to_string(options.budget.evaluations) + " and " + std::to_string(options.budget.candidates));
  return detail::search_loop<Space, Evaluator, Archive>(space, evaluator, archive, options, observer)
      .run(std::forward<MakeStrategy>(make_strategy));
}

}  // namespace amq
