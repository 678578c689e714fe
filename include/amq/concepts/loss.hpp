// loss: how far a candidate's predictions are from the reference's, one number a position.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>

#include "amq/core/matrix.hpp"

namespace amq {

struct loss_category {};

template <class L>
concept opts_in_as_loss = requires { requires std::same_as<typename L::policy_category, loss_category>; };
/// `positions(reference, candidate, next, out)`: logits are (positions, vocabulary), next[i] is the token that follows
/// position i, out[i] gets nats. A position's number does not depend on its neighbours.
template <class L>
concept can_compare_positions =
    requires(L const& l, matrix_view<float const> reference, matrix_view<float const> candidate,
             std::int32_t const* next, double* out) { l.positions(reference, candidate, next, out); };
template <class L>
concept has_loss_name = requires(L const& l) {
  { l.name() } -> std::convertible_to<std::string>;
};

template <class L>
concept loss = opts_in_as_loss<L> && can_compare_positions<L> && has_loss_name<L>;

/// One sentence for each member that L lacks.
template <class L>
constexpr bool diagnose_loss() {
  static_assert(opts_in_as_loss<L>, "amq: a loss says so with `using policy_category = amq::loss_category;`");
  static_assert(
      can_compare_positions<L>,
      "amq: a loss needs `void positions(matrix_view<float const> reference, matrix_view<float const> candidate, "
      "std::int32_t const* next, double* out) const`, one number a row of logits");
  static_assert(has_loss_name<L>, "amq: a loss needs `std::string name() const`, what archives call it");
  return loss<L>;
}

}  // namespace amq
