// evaluator: what measures configurations for real. A batch in, one measurement each out.
#pragma once

#include <concepts>
#include <span>

#include "amq/core/configuration.hpp"

namespace amq {

/// `evaluate(batch, out)`: out[i] belongs to batch[i]. A configuration that cannot be measured sets its own `error`.
template <class E>
concept evaluator =
    requires(E& e, std::span<configuration const> batch, std::span<measurement> out) { e.evaluate(batch, out); };

/// Refinement: hands over each measurement as soon as it is there, in batch order. `sink(i, measurement&&)` returns
/// false to stop after it; so a search records, shows progress and can be interrupted within a batch.
template <class E>
concept streaming_evaluator =
    evaluator<E> && requires(E& e, std::span<configuration const> batch, bool (*sink)(std::size_t, measurement&&)) {
      e.evaluate_each(batch, sink);
    };

/// Refinement: measures on the first `fidelity` (0 to 1) of its calibration sequences, at that share of the cost. May
/// offer `index sequences() const` where only whole numbers of them can be measured.
template <class E>
concept partial_evaluator =
    evaluator<E> && requires(E& e, std::span<configuration const> batch, double fidelity, std::span<measurement> out) {
      e.evaluate_part(batch, fidelity, out);
    };

/// One sentence for each member that E lacks.
template <class E>
constexpr bool diagnose_evaluator() {
  static_assert(evaluator<E>,
                "amq: an evaluator needs `void evaluate(std::span<configuration const> batch, std::span<measurement> "
                "out)`; set out[i].loss, and out[i].error where batch[i] cannot be measured");
  return evaluator<E>;
}

}  // namespace amq
