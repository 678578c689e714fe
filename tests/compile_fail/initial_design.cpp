// A complete initial design, and what is said when a member is missing.
//
// WITHOUT_CATEGORY: amq: an initial design says so with `using policy_category = amq::initial_design_category;`
// WITHOUT_NEXT: amq: an initial design needs `planned_batch next(Space const&, Archive const&, random_stream&) const`
// WITHOUT_PINNED: amq: an initial design needs `std::vector<index> pinned(Space const&, Archive const&) const`
#include "amq/concepts/initial_design.hpp"

struct my_space {};
struct my_archive {};

struct my_design {
#ifndef WITHOUT_CATEGORY
  using policy_category = amq::initial_design_category;
#endif
#ifndef WITHOUT_NEXT
  amq::planned_batch next(my_space const&, my_archive const&, amq::random_stream&) const;
#endif
#ifndef WITHOUT_PINNED
  std::vector<amq::index> pinned(my_space const&, my_archive const&) const;
#endif
};
static_assert(amq::diagnose_initial_design<my_design, my_space, my_archive>());
