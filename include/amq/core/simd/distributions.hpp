// Rows of logits as distributions: softmax, and the losses between a reference's row and a candidate's.
//
// All take n >= 1 logits; a logit of -infinity is a probability of 0, NaN in gives NaN out. Logarithms are natural, so
// results are in nats. `which` must be a supported instruction set.
#pragma once

#include "amq/core/simd/elementwise.hpp"

namespace amq::simd {

/// What one pass over a row of logits x gives.
struct row_summary {
  float largest = 0;
  double sum = 0;          ///< of e^(x - largest)
  double log_sum_exp = 0;  ///< ln sum e^x
  double mean_log = 0;     ///< sum P ln P, the negative entropy
};

/// A row that was exponentiated in place: P = exponentials / summary.sum. Owns nothing.
struct row_distribution {
  float const* exponentials = nullptr;
  index size = 0;
  row_summary summary;
};

}  // namespace amq::simd

#define AMQ_SIMD_BODY "amq/core/simd/detail/distributions.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::simd {

/// ln sum e^x.
inline double log_sum_exp(float const* x, index n, isa which = best_isa()) {
  return AMQ_SIMD_CALL(which, summarise_row(x, nullptr, n)).log_sum_exp;
}

/// x = softmax(x), in place.
inline void softmax_row(float* x, index n, isa which = best_isa()) { AMQ_SIMD_CALL(which, softmax_row(x, n)); }

/// Replaces the row of logits by its exponentials, so that a reference is exponentiated once for many candidates.
inline row_distribution exponentiate_row(float* x, index n, isa which = best_isa()) {
  return {x, n, AMQ_SIMD_CALL(which, summarise_row(x, x, n))};
}

/// Jensen-Shannon divergence as AMQ defines it (arXiv 2509.12019, its utils/loss.py): (sum P (ln P - ln M) + sum Q (ln
/// Q
/// - ln M)) / 2 for M = max((P + Q) / 2, 1e-7). At most ln 2; within 2e-6 of the exact value for up to 150,000 logits,
/// so that for equal rows a tiny negative value is possible. p and q are of one size.
inline double jensen_shannon(row_distribution const& p, row_distribution const& q, isa which = best_isa()) {
  return AMQ_SIMD_CALL(which, jensen_shannon_rows(p, q));
}

/// The same of two rows of logits that stay as they are; half as fast.
inline double jensen_shannon(float const* p, float const* q, index n, isa which = best_isa()) {
  return AMQ_SIMD_CALL(which, jensen_shannon_logits(p, q, n));
}

/// sum P (ln P - ln Q), Q given as logits: from the reference P to the candidate Q. Infinite where Q is 0 and P is not.
inline double kl_divergence(row_distribution const& p, float const* q, isa which = best_isa()) {
  return AMQ_SIMD_CALL(which, kl_divergence_row(p, q));
}

/// The same of two rows of logits.
inline double kl_divergence(float const* p, float const* q, index n, isa which = best_isa()) {
  return AMQ_SIMD_CALL(which, kl_divergence_logits(p, q, n));
}

/// -ln P(target), what perplexity is the exponential of the mean of.
inline double cross_entropy(float const* x, index target, index n, isa which = best_isa()) {
  return log_sum_exp(x, n, which) - static_cast<double>(x[target]);
}

/// The first largest logit; 0 if all are NaN.
inline index argmax(float const* x, index n, isa which = best_isa()) { return AMQ_SIMD_CALL(which, argmax(x, n)); }

}  // namespace amq::simd
