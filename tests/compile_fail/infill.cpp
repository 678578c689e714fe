// A complete infill, and what is said when a member is missing.
//
// WITHOUT_CATEGORY: amq: an infill says so with `using policy_category = amq::infill_category;`
// WITHOUT_SELECT: amq: an infill needs `std::vector<index> select(
#include "amq/concepts/infill.hpp"

struct my_infill {
#ifndef WITHOUT_CATEGORY
  using policy_category = amq::infill_category;
#endif
#ifndef WITHOUT_SELECT
  std::vector<amq::index> select(auto const& predictor, amq::population const& candidates, amq::infill_context const&,
                                 amq::index n, amq::random_stream&) const;
#endif
};
static_assert(amq::diagnose_infill<my_infill>());
