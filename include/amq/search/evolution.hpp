// evolution: EvoPress's search, a parent and many offspring of its size, the best of which is the next parent.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/evaluator.hpp"
#include "amq/concepts/strategy.hpp"
#include "amq/core/error.hpp"
#include "amq/search/detail/new_batch.hpp"
#include "amq/search/detail/size_keeping.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

/// A sieve: everything of a generation that came so far is measured on this share of the tokens, the best go on.
struct selection_stage {
  double fidelity = 1;  ///< above 0, below 1
  index survivors = 1;
};

struct evolution_options {
  index offspring = 4;                    ///< of a generation
  std::vector<selection_stage> stages{};  ///< before the last one, on all tokens; none: all offspring there
  index targets = 64;                     ///< sizes that are searched in turn, evenly spread
  index most_switches = 3;                ///< in a mutation: the lesser of two draws from 1 to this
  double tolerance = 0.002;               ///< of the range of sizes: how far offspring may be off their target

  /// EvoPress's schedule for quantization: 128 offspring on 1/64 of the tokens, 16 of them on 1/8, 4 on all; as near to
  /// that as whole numbers of `sequences` come. One sequence has no parts, so no stages.
  static evolution_options staged(index sequences = 64) {
    evolution_options options{.offspring = 128};
    index const few = std::max<index>(1, sequences / 64), more = std::max<index>(few + 1, sequences / 8);
    auto const share = [sequences](index part) { return static_cast<double>(part) / static_cast<double>(sequences); };
    if (few < sequences) options.stages.push_back({share(few), 16});
    if (more < sequences) options.stages.push_back({share(more), 4});
    return options.stages.empty() ? evolution_options{} : options;
  }
  /// Staged for evaluators that measure on a part of the tokens, plain for others.
  template <class Evaluator>
  static evolution_options suited_to([[maybe_unused]] Evaluator const& e) {
    bool parts = partial_evaluator<Evaluator>;
    if constexpr (requires { e.measures_parts(); }) parts = e.measures_parts();
    index sequences = 0;
    if constexpr (requires { e.sequences(); }) sequences = e.sequences();
    if (!parts) return {};
    return sequences > 0 ? staged(sequences) : staged();
  }
};

/// Models planning_strategy (EvoPress, arXiv 2410.14649: (1 + lambda), level switches, selection in stages), for a
/// whole front: the target size that has been measured the least is next, its parent the measured front's nearest
/// point, brought to the size. Layers of different sizes switch as well, within a tolerance of the target.
///
/// With stages a generation is several batches of falling size and rising fidelity; without, a batch has as many
/// generations as fit, for a target each. `ask` has no way to say how much to measure on, so it never asks for stages.
/// What is returned depends on archive, n and random alone.
template <search_space Space = format_space>
class evolution {
 public:
  /// Throws precondition_error for options outside their range.
  explicit evolution(Space space, evolution_options options = {})
      : space_(std::move(space)), options_(std::move(options)), sizes_(space_, options_.tolerance) {
    AMQ_EXPECTS(options_.offspring >= 1 && options_.targets >= 1 && options_.most_switches >= 1,
                "evolution needs at least one offspring, one target and one switch");
    double fidelity = 0;
    for (auto const& stage : options_.stages) {
      AMQ_EXPECTS(stage.fidelity > fidelity && stage.fidelity < 1 && stage.survivors >= 1,
                  "evolution's stages need rising fidelities between 0 and 1 and at least one survivor");
      fidelity = stage.fidelity;
    }
  }

  template <archive Archive>
  planned_batch plan(Archive const& measured, index n, random_stream& random) const {
    if (auto uniform = detail::missing_uniforms(space_, measured); !uniform.empty())
      return {phase::uniform, std::move(uniform)};
    if (options_.stages.empty()) return {phase::search, ask(measured, n, random)};
    if (auto next = next_stage(measured); !next.configurations.empty()) return next;
    detail::new_batch generation(measured, options_.offspring);
    auto const evaluations = std::span<evaluation const>(measured.evaluations());
    auto const front = measured_front(space_, evaluations);
    for (auto const target : targets_by_need(evaluations))
      if (breed(front, target, options_.offspring, generation, random) > 0)
        return {phase::search, std::move(generation).take(), options_.stages[0].fidelity};
    detail::new_batch rest(measured, n);
    rest.fill(space_, random);
    return {phase::search, std::move(rest).take()};
  }

  template <archive Archive>
  std::vector<configuration> ask(Archive const& measured, index n, random_stream& random) const {
    if (auto uniform = detail::missing_uniforms(space_, measured); !uniform.empty())
      return detail::first_of({phase::uniform, std::move(uniform)}, n);
    detail::new_batch batch(measured, n);
    auto const evaluations = std::span<evaluation const>(measured.evaluations());
    auto const front = measured_front(space_, evaluations);
    for (auto const target : targets_by_need(evaluations)) {
      if (batch.missing() <= 0) break;
      breed(front, target, std::min(batch.missing(), options_.offspring), batch, random);
    }
    batch.fill(space_, random);
    return std::move(batch).take();
  }

  void tell(std::span<configuration const>, std::span<double const>) {}

 private:
  static constexpr int tries_an_offspring = 20;

  double target_size(index target) const {
    return sizes_.total() * (static_cast<double>(target) + 0.5) / static_cast<double>(options_.targets);
  }

  /// Targets, the one with the fewest evaluations of its size first; of equal ones the lowest: a sweep upwards, in
  /// which each target begins where the one below it got to.
  std::vector<index> targets_by_need(std::span<evaluation const> evaluations) const {
    std::vector<index> counts(static_cast<std::size_t>(options_.targets)), order(counts.size());
    for (auto const& e : evaluations) {
      if (e.fidelity < 1 || !belongs_to(space_, e.configuration) || !(sizes_.total() > 0)) continue;
      double const place = sizes_.size_of(e.configuration) / sizes_.total() * static_cast<double>(options_.targets);
      ++counts[static_cast<std::size_t>(std::clamp<index>(static_cast<index>(place), 0, options_.targets - 1))];
    }
    std::iota(order.begin(), order.end(), index{0});
    std::ranges::stable_sort(order, {}, [&](index target) { return counts[static_cast<std::size_t>(target)]; });
    return order;
  }

  /// Up to `count` new offspring for a target; how many it found.
  template <class Batch>
  index breed(std::span<evaluation const* const> front, index target, index count, Batch& batch,
              random_stream& random) const {
    double const size = target_size(target);
    auto const parent = find_parent(front, size);
    index found = 0;
    for (index tries = 0; tries < tries_an_offspring * count && found < count; ++tries) {
      auto child = parent;
      sizes_.settle(child, size, random);
      index const first = random.below(options_.most_switches), second = random.below(options_.most_switches);
      for (index k = 0; k <= std::min(first, second); ++k) sizes_.switch_levels(child, size, random);
      found += batch.add(child);
    }
    return found;
  }

  /// The best measured of this size; where there is none, the front's point that is nearest to it.
  configuration find_parent(std::span<evaluation const* const> front, double size) const {
    auto parent = uniform_configuration(space_, gene{255});
    double nearest = std::numeric_limits<double>::infinity();
    for (auto const* e : front) {
      double const distance = std::max(0.0, std::abs(sizes_.size_of(e->configuration) - size) - sizes_.tolerance());
      if (distance <= nearest) {  // of those within the tolerance the last one has the least loss
        nearest = distance;
        parent = e->configuration;
      }
    }
    return parent;
  }

  /// The last batch's survivors on more tokens; nothing when that batch was no stage or all survivors are measured.
  template <archive Archive>
  planned_batch next_stage(Archive const& measured) const {
    auto const evaluations = std::span<evaluation const>(measured.evaluations());
    if (evaluations.empty()) return {};
    auto const& last = evaluations.back();
    auto const stage = std::ranges::find(options_.stages, last.fidelity, &selection_stage::fidelity);
    if (stage == options_.stages.end()) return {};
    std::vector<evaluation const*> sieved;
    for (auto e = evaluations.rbegin(); e != evaluations.rend() && same_batch(*e, last); ++e)
      if (belongs_to(space_, e->configuration) && std::isfinite(e->loss)) sieved.push_back(&*e);
    std::ranges::stable_sort(sieved, {}, [](evaluation const* e) { return e->loss; });
    planned_batch next{phase::search, {}, stage + 1 == options_.stages.end() ? 1.0 : (stage + 1)->fidelity};
    for (auto const* e : sieved)
      if (std::ssize(next.configurations) < stage->survivors && !measured.contains(e->configuration))
        next.configurations.push_back(e->configuration);
    return next;
  }

  static bool same_batch(evaluation const& a, evaluation const& b) {
    return a.batch == b.batch && a.fidelity == b.fidelity;
  }

  Space space_;
  evolution_options options_;
  detail::size_keeping sizes_;
};

}  // namespace amq
