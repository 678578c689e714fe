// A complete model_quantizer, and what is said when a member is missing, or when it is to be a search proxy.
//
// WITHOUT_CATEGORY: amq: a quantizer says so with `using policy_category = amq::quantizer_category;`
// WITHOUT_QUANTIZE: amq: a model_quantizer needs `void quantize(Model const&, std::span<format const>
// WITHOUT_NAME: amq: a quantizer needs `std::string name() const`
// WITHOUT_DEPLOYMENT: a quantizer whose result depends on neighbouring layers cannot be a search proxy
#include "amq/concepts/model_quantizer.hpp"

struct my_model {};
struct my_tokens {};
struct my_executor {};

struct my_quantizer {
#ifndef WITHOUT_CATEGORY
  using policy_category = amq::quantizer_category;
#endif
#ifndef WITHOUT_QUANTIZE
  void quantize(my_model const&, std::span<amq::format const>, my_tokens const&, amq::quantized_sink&,
                my_executor&) const;
#endif
#ifndef WITHOUT_NAME
  std::string name() const;
#endif
};
static_assert(amq::diagnose_model_quantizer<my_quantizer, my_model, my_tokens, my_executor>());
#ifdef WITHOUT_DEPLOYMENT
static_assert(amq::diagnose_matrix_quantizer<my_quantizer>());
#endif
