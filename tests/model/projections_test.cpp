#include "amq/model/projections.hpp"

#include <cstring>

#include "amq/evaluate/weights.hpp"
#include "amq/kernel/product_weights.hpp"
#include "amq/model/llama.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/random_model.hpp"

namespace {

/// All blocks through `weights`, from the embeddings of some tokens.
template <class Weights>
amq::matrix<float> hidden_after(amq::llama const& model, Weights const& weights) {
  std::vector<std::int32_t> const tokens{1, 2, 3, 5, 8, 13, 21};
  amq::llama::state state;
  model.embed(tokens, state);
  for (int block = 0; block < model.blocks(); ++block) model.block(block, state, weights);
  return state.hidden.clone();
}

/// Products one by one and all at once.
void compare_seams(amq::llama const& model) {
  std::vector<amq::weight_matrix> matrices;
  for (amq::index layer = 0; layer < std::ssize(model.linears()); ++layer)
    matrices.emplace_back(amq::dense_matrix(model.weight(layer)));
  amq::layer_weights plain(std::ssize(model.linears()));
  for (std::size_t i = 0; i < matrices.size(); ++i) plain.set(static_cast<amq::index>(i), *matrices[i].dense());
  amq::products<amq::serial_executor const> by(amq::precision::f32, amq::on_this_thread);
  auto const matrix_of = [&](amq::index layer) -> amq::weight_matrix const& {
    return matrices[static_cast<std::size_t>(layer)];
  };
  amq::product_weights const fused(matrix_of, by);
  static_assert(amq::fused_linear_weights<decltype(fused)>);
  static_assert(!amq::fused_linear_weights<amq::layer_weights>);
  auto const one_by_one = hidden_after(model, plain), together = hidden_after(model, fused);
  CHECK(std::memcmp(one_by_one.data(), together.data(), sizeof(float) * static_cast<std::size_t>(together.size())) ==
        0);
}

}  // namespace

TEST_CASE("layers multiplied together, gate and up fused, give the bits of one by one") {
  compare_seams(amq::llama::load(AMQ_SOURCE_FOLDER "/examples/models/tiny"));
}

TEST_CASE("biases of every layer are added where products are fused, too") {
  for (bool const in_feed_forward : {false, true}) {
    amq_test::random_model source;
    source.config["attention_bias"] = true;
    source.config["mlp_bias"] = in_feed_forward;
    amq_test::scratch_folder const folder;
    source.write(folder.path());
    compare_seams(amq::llama::load(folder.path()));
  }
}
