// A complete loss, and what is said when a member is missing.
//
// WITHOUT_CATEGORY: amq: a loss says so with `using policy_category = amq::loss_category;`
// WITHOUT_POSITIONS: amq: a loss needs `void positions(
// WITHOUT_NAME: amq: a loss needs `std::string name() const`
#include "amq/concepts/loss.hpp"

struct my_loss {
#ifndef WITHOUT_CATEGORY
  using policy_category = amq::loss_category;
#endif
#ifndef WITHOUT_POSITIONS
  void positions(amq::matrix_view<float const> reference, amq::matrix_view<float const> candidate,
                 std::int32_t const* next, double* out) const;
#endif
#ifndef WITHOUT_NAME
  std::string name() const;
#endif
};
static_assert(amq::diagnose_loss<my_loss>());
