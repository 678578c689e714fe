// A complete causal_model, and what is said when a member is missing.
//
// WITHOUT_LINEARS: amq: a causal_model needs `std::span<linear_layer const> linears() const`
// WITHOUT_EMBED: amq: a causal_model needs a type `state` and `void embed(
// WITHOUT_BLOCK: amq: a causal_model needs `template <linear_weights W> void block(
// WITHOUT_HEAD: amq: a causal_model needs `template <class Sink> void head(
#include "amq/concepts/causal_model.hpp"

struct my_model {
  struct state {};
#ifndef WITHOUT_LINEARS
  std::span<amq::linear_layer const> linears() const;
#endif
  int blocks() const;
#ifndef WITHOUT_EMBED
  void embed(std::span<std::int32_t const> tokens, state&) const;
#endif
#ifndef WITHOUT_BLOCK
  template <amq::linear_weights W>
  void block(int, state&, W const&) const;
#endif
#ifndef WITHOUT_HEAD
  template <class Sink>
  void head(state&, Sink const&) const;
#endif
  amq::matrix_view<float const> output_head() const;
};
static_assert(amq::diagnose_causal_model<my_model>());
