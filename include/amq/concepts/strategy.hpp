// strategy: whatever asks for configurations to be measured and is told their losses.
#pragma once

#include <concepts>
#include <span>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/random.hpp"

namespace amq {

/// Configurations to be measured together, why, and on which share of the calibration sequences.
struct planned_batch {
  amq::phase phase = amq::phase::search;
  std::vector<configuration> configurations{};
  double fidelity = 1;
};

/// `ask(archive, n, stream)` -> at most n configurations that the archive lacks; none means nothing new is left. What
/// it returns may depend on the archive, n and random only: then a resumed search equals one never stopped.
template <class S, class Archive>
concept can_ask = requires(S& s, Archive const& archive, index n, random_stream& stream) {
  { s.ask(archive, n, stream) } -> std::same_as<std::vector<configuration>>;
};
template <class S>
concept can_tell = requires(S& s, std::span<configuration const> configurations, std::span<double const> losses) {
  s.tell(configurations, losses);
};

template <class S, class Archive>
concept strategy = can_ask<S, Archive> && can_tell<S>;

/// Refinement: `plan` is ask for a loop that takes batches of any size (n is what a batch of the search phase has) and
/// notes why they are measured; initial designs are whole batches then.
template <class S, class Archive>
concept planning_strategy = strategy<S, Archive> && requires(S& s, Archive const& archive, index n, random_stream& r) {
  { s.plan(archive, n, r) } -> std::same_as<planned_batch>;
};

/// Refinement: predicts losses once it has been asked: a comparison measures how well it ranks what is measured next.
template <class S>
concept predicting_strategy = requires(S const& s, matrix_view<gene const> genes, std::span<double> losses) {
  { s.predict(genes, losses) } -> std::convertible_to<bool>;
};

/// One sentence for each member that S lacks.
template <class S, class Archive>
constexpr bool diagnose_strategy() {
  static_assert(
      can_ask<S, Archive>,
      "amq: a strategy needs `std::vector<configuration> ask(Archive const&, index n, random_stream&)`, at most n "
      "configurations that the archive lacks");
  static_assert(can_tell<S>,
                "amq: a strategy needs `void tell(std::span<configuration const>, std::span<double const> losses)`; it "
                "may be empty");
  return strategy<S, Archive>;
}

}  // namespace amq
