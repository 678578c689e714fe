// archive: everything that was measured, in the order it was measured.
#pragma once

#include <concepts>
#include <span>

#include "amq/core/configuration.hpp"

namespace amq {

template <class A>
concept has_evaluations = requires(A const& a) {
  { a.evaluations() } -> std::convertible_to<std::span<evaluation const>>;
};
template <class A>
concept can_record = requires(A& a, evaluation e) { a.record(std::move(e)); };
/// O(1): a search asks it for every candidate.
template <class A>
concept knows_members = requires(A const& a, std::span<gene const> c) {
  { a.contains(c) } -> std::convertible_to<bool>;
};

template <class A>
concept archive = has_evaluations<A> && can_record<A> && knows_members<A>;

/// One sentence for each member that A lacks.
template <class A>
constexpr bool diagnose_archive() {
  static_assert(has_evaluations<A>,
                "amq: an archive needs `std::span<evaluation const> evaluations() const`, oldest first");
  static_assert(can_record<A>, "amq: an archive needs `void record(evaluation)`");
  static_assert(knows_members<A>, "amq: an archive needs `bool contains(std::span<gene const>) const`, in O(1)");
  return archive<A>;
}

}  // namespace amq
