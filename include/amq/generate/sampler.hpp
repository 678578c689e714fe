// Which token comes next: the most likely one, or one drawn from the model's distribution.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/random.hpp"

namespace amq {

/// How the next token is chosen. The steps apply in the order of the members, as in transformers.
struct sampling {
  double temperature = 0;  ///< logits are divided by it; 0: the most likely token, nothing is drawn
  index top_k = 0;         ///< only the k most likely tokens; 0: all
  double top_p = 1;        ///< only the fewest most likely tokens whose probabilities sum to p (arXiv 1904.09751)
};

/// Throws input_error for options out of range.
inline void check_sampling(sampling const& options) {
  if (!(options.temperature >= 0) || !std::isfinite(options.temperature))
    throw input_error("a temperature of " + std::to_string(options.temperature) +
                      " is not possible; expected 0 (the most likely token) or more");
  if (options.top_k < 0)
    throw input_error("top-k is " + std::to_string(options.top_k) + "; expected 0 (all tokens) or more");
  if (!(options.top_p > 0 && options.top_p <= 1))
    throw input_error("top-p is " + std::to_string(options.top_p) + "; expected a share above 0, at most 1");
}

/// A token that may come next.
struct likely_token {
  std::int32_t token = 0;
  double weight = 0;  ///< its logit, then e^((logit - largest) / temperature)
};

/// All tokens by their logits, the most likely first, the lower id first among equals; only the `count` first ones (0:
/// all). O(n log count).
inline std::vector<likely_token> most_likely(std::span<float const> logits, index count) {
  std::vector<likely_token> all(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) all[i] = {static_cast<std::int32_t>(i), double{logits[i]}};
  auto const before = [](likely_token const& a, likely_token const& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.token < b.token;
  };
  if (count <= 0 || count >= std::ssize(all)) {
    std::sort(all.begin(), all.end(), before);
  } else {
    std::partial_sort(all.begin(), all.begin() + count, all.end(), before);
    all.resize(static_cast<std::size_t>(count));
  }
  return all;
}

/// Logits, the largest first, become weights in proportion to the probabilities at that temperature.
inline void exponentiate(std::span<likely_token> sorted, double temperature) {
  double const largest = sorted.front().weight;
  for (auto& each : sorted) each.weight = std::exp((each.weight - largest) / temperature);
}

/// How many of the candidates, the most likely first, have a share of p of all weights together; at least one.
inline std::size_t nucleus(std::span<likely_token const> sorted, double p) {
  double all = 0;
  for (auto const& each : sorted) all += each.weight;
  double sum = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    sum += sorted[i].weight;
    if (sum >= p * all) return i + 1;
  }
  return sorted.size();
}

/// The candidate in which a share of `uniform` of all weights falls, 0 <= uniform < 1.
inline std::int32_t pick(std::span<likely_token const> candidates, double uniform) {
  double all = 0;
  for (auto const& each : candidates) all += each.weight;
  double left = uniform * all;
  for (auto const& each : candidates) {
    left -= each.weight;
    if (left < 0) return each.token;
  }
  return candidates.back().token;
}

/// Chooses one token after the other. Same options, seed, stream and logits: same tokens.
class sampler {
 public:
  /// Sequences of one batch have a stream each, so that none depends on how many there are. Throws input_error for
  /// options out of range.
  sampler(sampling options, std::uint64_t seed, std::uint64_t stream = 0) : options_(options), random_(seed, stream) {
    check_sampling(options_);
  }

  /// O(vocabulary) when greedy or with top-k, else O(vocabulary log vocabulary). Throws input_error for logits that are
  /// not numbers: weights that are damaged.
  std::int32_t operator()(std::span<float const> logits) {
    AMQ_EXPECTS(!logits.empty(), "a token is chosen from at least one logit");
    if (std::any_of(logits.begin(), logits.end(), [](float x) { return std::isnan(x) || x == INFINITY; }))
      throw input_error("the model gives NaN or infinite logits; its weights are damaged, or too coarse for it");
    if (options_.temperature == 0)
      return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    auto candidates = most_likely(logits, options_.top_k);
    exponentiate(candidates, options_.temperature);
    if (options_.top_p < 1) candidates.resize(nucleus(candidates, options_.top_p));
    return pick(candidates, random_.uniform());
  }

 private:
  sampling options_;
  random_stream random_;
};

}  // namespace amq
