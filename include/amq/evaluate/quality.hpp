// How good a quantized model is: JSD, KL, agreement and perplexity against the unquantized one, with standard errors.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "amq/core/statistics.hpp"
#include "amq/evaluate/loss.hpp"
#include "amq/evaluate/reference.hpp"

namespace amq {

struct estimate {
  double value = 0;
  double standard_error = 0;  ///< over sequences; NaN for a single sequence
};

struct quality {
  estimate jsd;                   ///< nats a position, AMQ's definition
  estimate kl;                    ///< KL(reference to candidate), nats a position
  estimate kl_p99;                ///< 99th percentile over positions, nats
  estimate top1;                  ///< share of positions with the same most probable token
  estimate perplexity;            ///< of the candidate
  estimate reference_perplexity;  ///< of the unquantized model
};

namespace detail {

/// Positions of one sequence.
struct position_figures {
  std::vector<double> jsd, kl, top1, candidate_loss, reference_loss;

  explicit position_figures(std::size_t positions = 0)
      : jsd(positions), kl(positions), top1(positions), candidate_loss(positions), reference_loss(positions) {}
};

inline estimate over_sequences(std::span<position_figures const> sequences,
                               std::vector<double> position_figures::*figure) {
  std::vector<double> means;
  for (auto const& sequence : sequences) means.push_back(mean(sequence.*figure));
  return {mean(means), standard_error(means)};
}

/// exp of a mean; its error by the delta method.
inline estimate exponential(estimate log) {
  double const value = std::exp(log.value);
  return {value, value * log.standard_error};
}

/// A quantile over all positions; its error by leaving out one sequence at a time (jackknife).
inline estimate pooled_quantile(std::span<position_figures const> sequences,
                                std::vector<double> position_figures::*figure, double q) {
  auto const without = [&](std::size_t left_out) {
    std::vector<double> pooled;
    for (std::size_t i = 0; i < sequences.size(); ++i)
      if (i != left_out) pooled.insert(pooled.end(), (sequences[i].*figure).begin(), (sequences[i].*figure).end());
    return quantile(pooled, q);
  };
  std::vector<double> replicates;
  if (sequences.size() > 1)
    for (std::size_t i = 0; i < sequences.size(); ++i) replicates.push_back(without(i));
  double const n = static_cast<double>(sequences.size());
  return {without(sequences.size()), (n - 1) * standard_error(replicates)};
}

}  // namespace detail

/// `candidate`: final-normed hidden states of the candidate (`streamed_pass`), one a sequence. The last position of
/// each sequence is left out, as AMQ does. Throws input_error when the candidate's logits are not finite.
template <class Executor>
quality measure_quality(reference_model const& reference, token_sequences const& tokens,
                        std::span<matrix<float> const> candidate, Executor& executor) {
  auto const positions = static_cast<std::size_t>(tokens.length() - 1);
  std::vector<detail::position_figures> sequences(static_cast<std::size_t>(tokens.count()),
                                                  detail::position_figures(positions));
  std::vector<head_scratch> scratch(static_cast<std::size_t>(executor.workers()));
  executor.for_each(tokens.count(), [&](index sequence, int worker) {
    auto const s = static_cast<std::size_t>(sequence);
    auto& figures = sequences[s];
    reference.for_each_tile(
        sequence, candidate[s], scratch[static_cast<std::size_t>(worker)],
        [&](index first, auto original, auto quantized) {
          auto const* next = tokens.sequence(sequence).data() + first + 1;
          jsd{}.positions(original, quantized, next, figures.jsd.data() + first);
          kl{}.positions(original, quantized, next, figures.kl.data() + first);
          cross_entropy{}.positions(original, quantized, next, figures.candidate_loss.data() + first);
          cross_entropy{}.positions(original, original, next, figures.reference_loss.data() + first);
          top1_agreement(original, quantized, figures.top1.data() + first);
        });
  });
  using figures = detail::position_figures;
  quality result;
  result.jsd = detail::over_sequences(sequences, &figures::jsd);
  if (!std::isfinite(result.jsd.value))
    throw input_error("the quantized model's logits are not finite, so it has no quality: its weights overflow f32");
  result.kl = detail::over_sequences(sequences, &figures::kl);
  result.kl_p99 = detail::pooled_quantile(sequences, &figures::kl, 0.99);
  result.top1 = detail::over_sequences(sequences, &figures::top1);
  result.perplexity = detail::exponential(detail::over_sequences(sequences, &figures::candidate_loss));
  result.reference_perplexity = detail::exponential(detail::over_sequences(sequences, &figures::reference_loss));
  return result;
}

}  // namespace amq
