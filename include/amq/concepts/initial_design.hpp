// initial_design: what is measured before there is anything to predict from, and which layers are searched after it.
#pragma once

#include <concepts>
#include <vector>

#include "amq/concepts/archive.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/concepts/strategy.hpp"

namespace amq {

struct initial_design_category {};

template <class D>
concept opts_in_as_initial_design =
    requires { requires std::same_as<typename D::policy_category, initial_design_category>; };
/// `next(space, archive, random)` -> what to measure now, none of it in the archive; empty once the design is finished.
/// Depends on space, archive and random alone.
template <class D, class Space, class Archive>
concept can_plan_design = requires(D const& d, Space const& space, Archive const& measured, random_stream& random) {
  { d.next(space, measured, random) } -> std::same_as<planned_batch>;
};
/// `pinned(space, archive)` -> layers that are not searched further, rising; none while that is not known.
template <class D, class Space, class Archive>
concept can_pin = requires(D const& d, Space const& space, Archive const& measured) {
  { d.pinned(space, measured) } -> std::same_as<std::vector<index>>;
};

template <class D, class Space, class Archive>
concept initial_design =
    opts_in_as_initial_design<D> && can_plan_design<D, Space, Archive> && can_pin<D, Space, Archive>;

/// One sentence for each member that D lacks.
template <class D, class Space, class Archive>
constexpr bool diagnose_initial_design() {
  static_assert(opts_in_as_initial_design<D>,
                "amq: an initial design says so with `using policy_category = amq::initial_design_category;`");
  static_assert(
      can_plan_design<D, Space, Archive>,
      "amq: an initial design needs `planned_batch next(Space const&, Archive const&, random_stream&) const`, "
      "empty once it is finished");
  static_assert(can_pin<D, Space, Archive>,
                "amq: an initial design needs `std::vector<index> pinned(Space const&, Archive const&) const`, the "
                "layers that are not searched further; none is an answer");
  return initial_design<D, Space, Archive>;
}

}  // namespace amq
