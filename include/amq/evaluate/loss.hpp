// Losses: how far a candidate's logits are from the reference's, one number of nats a position.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>

#include "amq/concepts/loss.hpp"
#include "amq/core/simd/distributions.hpp"

namespace amq {
namespace detail {

/// out[t] = row(reference logits, candidate logits) for each position t.
template <class Row>
void each_position(matrix_view<float const> reference, matrix_view<float const> candidate, double* out,
                   Row const& row) {
  for (index t = 0; t < candidate.rows; ++t) out[t] = row(reference.row(t).data(), candidate.row(t).data());
}

}  // namespace detail

/// A loss that needs no logits of the reference, only its distribution, which then is made once for all candidates:
/// `position(reference, candidate)` gives the number of nats of `positions`, bit for bit; `candidate` (as many logits)
/// may be overwritten.
template <class L>
concept distribution_loss = loss<L> && requires(L const& l, simd::row_distribution const& reference, float* candidate) {
  { l.position(reference, candidate) } -> std::same_as<double>;
};

/// Jensen-Shannon divergence with AMQ's clamp of the mixture (arXiv 2509.12019; its utils/loss.py): 0 to ln 2, a tiny
/// negative value is possible for equal rows.
class jsd {
 public:
  using policy_category = loss_category;
  std::string name() const { return "jsd"; }

  void positions(matrix_view<float const> reference, matrix_view<float const> candidate, std::int32_t const*,
                 double* out) const {
    detail::each_position(reference, candidate, out,
                          [&](auto const* p, auto const* q) { return simd::jensen_shannon(p, q, candidate.cols); });
  }

  double position(simd::row_distribution const& reference, float* candidate) const {
    return simd::jensen_shannon(reference, simd::exponentiate_row(candidate, reference.size));
  }
};

/// Kullback-Leibler divergence from the reference to the candidate.
class kl {
 public:
  using policy_category = loss_category;
  std::string name() const { return "kl"; }

  void positions(matrix_view<float const> reference, matrix_view<float const> candidate, std::int32_t const*,
                 double* out) const {
    detail::each_position(reference, candidate, out,
                          [&](auto const* p, auto const* q) { return simd::kl_divergence(p, q, candidate.cols); });
  }

  double position(simd::row_distribution const& reference, float* candidate) const {
    return simd::kl_divergence(reference, candidate);
  }
};

/// -ln of the probability that the candidate gives to the token that follows; the reference plays no part.
class cross_entropy {
 public:
  using policy_category = loss_category;
  std::string name() const { return "cross_entropy"; }

  void positions(matrix_view<float const>, matrix_view<float const> candidate, std::int32_t const* next,
                 double* out) const {
    for (index t = 0; t < candidate.rows; ++t)
      out[t] = simd::cross_entropy(candidate.row(t).data(), next[t], candidate.cols);
  }
};

/// out[t] = 1 where both have the same most probable token, else 0.
inline void top1_agreement(matrix_view<float const> reference, matrix_view<float const> candidate, double* out) {
  detail::each_position(reference, candidate, out, [&](auto const* p, auto const* q) {
    return simd::argmax(p, candidate.cols) == simd::argmax(q, candidate.cols) ? 1.0 : 0.0;
  });
}

static_assert(distribution_loss<jsd> && distribution_loss<kl> && loss<cross_entropy>);

}  // namespace amq
