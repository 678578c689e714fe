// A quantizer and a loss of one's own in the pipeline, and what is said at that entry point when a member is missing.
//
// WITHOUT_QUANTIZE: amq: a matrix_quantizer needs `packed_matrix quantize(
// WITHOUT_POSITIONS: amq: a loss needs `void positions(
#include "amq/compose/pipeline.hpp"
#include "amq/space/bit_space.hpp"

struct my_quantizer {
  using policy_category = amq::quantizer_category;
#ifndef WITHOUT_QUANTIZE
  amq::packed_matrix quantize(amq::matrix_view<float const> weights, amq::format, amq::layer_statistics const&) const;
#endif
  std::string name() const;
};

struct my_loss {
  using policy_category = amq::loss_category;
#ifndef WITHOUT_POSITIONS
  void positions(amq::matrix_view<float const> reference, amq::matrix_view<float const> candidate,
                 std::int32_t const* next, double* out) const;
#endif
  std::string name() const;
};

using my_space = amq::bit_space<amq::bits<2, 3, 4>, amq::group<128>>;
using my_pipeline = amq::pipeline<my_space, my_quantizer, amq::rbf<>, amq::nsga2<>, my_loss>;

amq::front search(amq::llama const& model, amq::token_sequences const& tokens) {
  return my_pipeline(model, tokens, {.seed = 7}).search();
}
