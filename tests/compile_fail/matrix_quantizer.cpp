// A complete matrix_quantizer, and what is said when a member is missing.
//
// WITHOUT_CATEGORY: amq: a quantizer says so with `using policy_category = amq::quantizer_category;`
// WITHOUT_QUANTIZE: amq: a matrix_quantizer needs `packed_matrix quantize(
// WITHOUT_NAME: amq: a quantizer needs `std::string name() const`
#include "amq/concepts/matrix_quantizer.hpp"

struct my_quantizer {
#ifndef WITHOUT_CATEGORY
  using policy_category = amq::quantizer_category;
#endif
#ifndef WITHOUT_QUANTIZE
  amq::packed_matrix quantize(amq::matrix_view<float const> weights, amq::format, amq::layer_statistics const&) const;
#endif
#ifndef WITHOUT_NAME
  std::string name() const;
#endif
};
static_assert(amq::diagnose_matrix_quantizer<my_quantizer>());
