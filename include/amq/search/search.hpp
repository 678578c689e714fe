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
#include "amq/search/budget.hpp"
#include "amq/search/designs.hpp"
#include "amq/search/memory_archive.hpp"
#include "amq/search/progress.hpp"

namespace amq {

/// A number that must be given.
struct search_seed {
  std::uint64_t value;
  constexpr search_seed(std::uint64_t v) : value(v) {}
};

struct search_options {
  search_seed seed;
  search_budget budget;
  std::function<bool()> stop_requested{};                   ///< asked after each evaluation
  std::function<bool(search_progress const&)> stop_when{};  ///< asked after each batch; see search/stop.hpp
};

enum class search_end : std::uint8_t {
  finished,     ///< the budget is spent
  satisfied,    ///< stop_when() said so
  interrupted,  ///< stop_requested() said so; the archive may be continued
  exhausted,    ///< the strategy had no new configuration left
};

struct search_result {
  search_end end = search_end::finished;
  index resumed = 0;            ///< evaluations that were in the archive before
  index measured = 0;           ///< evaluations that this run added
  index failed = 0;             ///< of all in the archive: those without a finite loss
  std::vector<index> pinned{};  ///< layers that the strategy does not search, as far as it knows by now
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
    planned_batch const uniform{phase::uniform, uniform_configurations(space_)};
    announce(phase::uniform, std::ssize(uniform.configurations));
    if (!run_batch(uniform)) return finish();
    auto strategy = make(make_strategy);
    static_assert(diagnose_strategy<decltype(strategy), memory_archive>());
    while (!stopped_ && ask_and_measure(strategy)) {
    }
    if constexpr (requires { strategy.pinned(seen_); }) result_.pinned = strategy.pinned(seen_);
    return finish();
  }

 private:
  index recorded() const { return std::ssize(std::span<evaluation const>(archive_.evaluations())); }
  evaluation const& recorded(index i) const {
    return std::span<evaluation const>(archive_.evaluations())[static_cast<std::size_t>(i)];
  }
  index measured() const { return std::ssize(seen_.evaluations()); }
  random_stream stream() const { return random_stream(options_.seed.value, static_cast<std::uint64_t>(batch_)); }

  template <class MakeStrategy>
  auto make(MakeStrategy&& make_strategy) const {
    if constexpr (std::is_invocable_v<MakeStrategy, Space const&, search_budget const&>)
      return make_strategy(space_, options_.budget);
    else
      return make_strategy(space_);
  }

  /// What the strategy wants measured, once each and without what is measured.
  template <class Strategy>
  planned_batch plan(Strategy& strategy) {
    auto random = stream();
    planned_batch batch;
    if constexpr (planning_strategy<Strategy, memory_archive>)
      batch = strategy.plan(seen_, options_.budget.candidates, random);
    else
      batch.configurations = strategy.ask(seen_, options_.budget.candidates, random);
    AMQ_EXPECTS(batch.fidelity > 0 && batch.fidelity <= 1,
                "a strategy plans batches on a part of the tokens greater than 0 and at most 1, not " +
                    std::to_string(batch.fidelity));
    gene_set once;
    std::erase_if(batch.configurations, [&](configuration const& c) { return seen_.contains(c) || !insert(once, c); });
    return batch;
  }

  /// Once a phase, with what is planned in it: the search phase is planned to the end of the budget.
  void announce(phase p, index planned) {
    if (announced_ == p) return;
    announced_ = p;
    if (observer_.on_phase) observer_.on_phase(p, p == phase::search ? room(1) : std::min(planned, room(1)));
  }

  template <class Strategy>
  bool ask_and_measure(Strategy& strategy) {
    if (room(1) < 1) return false;
    if (replay_whole_batch()) return true;
    auto const asked = plan(strategy);
    if (asked.configurations.empty()) {
      expect_nothing_more();
      result_.end = search_end::exhausted;
      return false;
    }
    announce(asked.phase, std::ssize(asked.configurations));
    index const before = measured();
    bool const more = run_batch(asked);
    std::vector<double> losses;
    for (index i = before; i < measured(); ++i) losses.push_back(seen_.evaluations()[static_cast<std::size_t>(i)].loss);
    strategy.tell(std::span(asked.configurations).first(losses.size()), losses);
    return more;
  }

  /// Evaluations of this fidelity that the budget still has. One on a quarter of the tokens is a quarter of one.
  index room(double fidelity) const {
    return static_cast<index>((static_cast<double>(options_.budget.evaluations) - spent_) / fidelity + 1e-9);
  }

  void note(evaluation const& e) {
    seen_.record(e);
    spent_ += e.fidelity;
  }

  /// A batch of the search that later ones follow was asked for with this very archive: no need to ask again. Initial
  /// designs are cheap to plan, so they are compared.
  bool replay_whole_batch() {
    if (recorded() <= measured() || recorded(recorded() - 1).batch <= batch_) return false;
    if (recorded(measured()).phase != phase::search) return false;
    index const first = measured();
    while (measured() < recorded() && room(recorded(measured()).fidelity) >= 1 && recorded(measured()).batch == batch_)
      note(recorded(measured()));
    if (measured() == first) refuse("batch " + std::to_string(batch_));
    ++batch_;
    return true;
  }

  /// Takes what the archive has of this batch, checks it and measures the rest. False when the search ends here.
  bool run_batch(planned_batch const& asked) {
    index const size = std::min(std::ssize(asked.configurations), room(asked.fidelity));
    index done = 0;
    for (; done < size && measured() < recorded(); ++done) {
      auto const& e = recorded(measured());
      if (e.configuration != asked.configurations[static_cast<std::size_t>(done)] || e.batch != batch_ ||
          e.phase != asked.phase || e.fidelity != asked.fidelity)
        refuse(std::string("its ") + to_string(asked.phase) + " configurations");
      note(e);
    }
    if (done < size && !stop())
      measure(asked, std::span(asked.configurations)
                         .subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(size - done)));
    ++batch_;
    // What comes before the next evaluation, a fit say, may take long.
    if constexpr (requires { archive_.flush(); }) archive_.flush();
    return !stopped_ && room(1) >= 1 && !satisfied();
  }

  bool satisfied() {
    if (!options_.stop_when || measured() == 0 || !options_.stop_when(progress_now())) return false;
    result_.end = search_end::satisfied;
    return true;
  }

  void measure(planned_batch const& asked, std::span<configuration const> batch) {
    auto sink = [&](std::size_t i, measurement&& m) {
      record(asked, batch[i], std::move(m));
      return !stop();
    };
    if (asked.fidelity < 1) {
      if constexpr (partial_evaluator<Evaluator>)
        measure_at_once(batch, sink, [&](auto out) { evaluator_.evaluate_part(batch, asked.fidelity, out); });
      else
        throw precondition_error(
            "the strategy asks for evaluations on a part of the tokens, and the evaluator has no "
            "evaluate_part(batch, fidelity, out); choose a strategy without staged evaluation");
    } else if constexpr (streaming_evaluator<Evaluator>) {
      evaluator_.evaluate_each(batch, sink);
    } else {
      measure_at_once(batch, sink, [&](auto out) { evaluator_.evaluate(batch, out); });
    }
  }

  template <class Sink, class Evaluate>
  static void measure_at_once(std::span<configuration const> batch, Sink& sink, Evaluate const& evaluate) {
    std::vector<measurement> all(batch.size());
    evaluate(std::span<measurement>(all));
    for (std::size_t i = 0; i < batch.size(); ++i) sink(i, std::move(all[i]));
  }

  /// What cannot be measured is recorded with an infinite loss: it counts, is never asked for again and is on no front.
  void record(planned_batch const& asked, configuration const& genes, measurement&& m) {
    if (m.error.empty() && !std::isfinite(m.loss)) m.error = "its loss is " + std::to_string(m.loss);
    if (!m.error.empty() && observer_.on_failure) observer_.on_failure(genes, m.error);
    evaluation e{genes,
                 space_.average_bits(genes),
                 space_.model_bytes(genes),
                 m.loss,
                 std::move(m.sequence_losses),
                 asked.phase,
                 batch_,
                 m.seconds,
                 asked.fidelity};
    if (!m.error.empty()) e.loss = std::numeric_limits<double>::infinity();
    note(e);
    archive_.record(std::move(e));
    ++result_.measured;
    if (observer_.on_evaluation) observer_.on_evaluation(progress_now());
  }

  search_progress progress_now() const {
    return {measured(), options_.budget.evaluations, &seen_.evaluations().back(), seen_.evaluations(),
            [this](loss_scale scale) {
              auto const frame = find_frame(space_, seen_);
              return frame ? std::optional(normalised_hypervolume(seen_.evaluations(), *frame, scale)) : std::nullopt;
            }};
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
    if (stopped_ && room(1) >= 1) result_.end = search_end::interrupted;
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
  std::optional<phase> announced_;
  double spent_ = 0;  // evaluations, partial ones by their share
  int batch_ = 0;
  bool stopped_ = false;
};

}  // namespace detail

/// Runs a search, or continues the one whose first evaluations the archive holds, until the budget is spent: the
/// uniform configurations of every width (batch 0), then what the strategy plans: its initial design, and what it
/// searches for. `make_strategy(space)` or `make_strategy(space, budget)` gives the strategy; it always sees a
/// memory_archive.
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
