// A complete evaluator, and what is said when its one member is missing or takes something else.
//
// WITHOUT_EVALUATE: amq: an evaluator needs `void evaluate(std::span<configuration const> batch
// WITHOUT_BATCHES: amq: an evaluator needs `void evaluate(std::span<configuration const> batch
#include "amq/concepts/evaluator.hpp"

struct my_evaluator {
#if defined(WITHOUT_BATCHES)
  double evaluate(amq::configuration const&);
#elif !defined(WITHOUT_EVALUATE)
  void evaluate(std::span<amq::configuration const> batch, std::span<amq::measurement> out);
#endif
};
static_assert(amq::diagnose_evaluator<my_evaluator>());
