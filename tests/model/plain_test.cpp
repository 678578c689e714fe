// The vectorised forward pass against plain loops in float64, on sizes that do not divide evenly.
#include "amq/model/llama.hpp"
#include "support/plain_llama.hpp"
#include "support/plain_weights.hpp"

using namespace amq_test;

namespace {

/// The largest difference over sequences of several lengths.
double difference_to_plain(random_model const& source) {
  scratch_folder const folder;
  source.write(folder.path());
  auto const model = amq::llama::load(folder.path());
  plain_weights const weights(model);
  plain_llama const plain(source, model.config());
  amq::llama::state state;
  double worst = 0;
  for (int const length : {1, 2, 15, 37, 64}) {
    std::vector<std::int32_t> tokens;
    for (int t = 0; t < length; ++t) tokens.push_back((11 * t + length) % static_cast<int>(random_model::vocabulary));
    model.embed(tokens, state);
    for (int block = 0; block < model.blocks(); ++block) model.block(block, state, weights);
    auto const expected = plain.run(tokens);
    model.head(state, [&](amq::matrix_view<float const> found) {
      for (amq::index r = 0; r < found.rows; ++r)
        for (amq::index c = 0; c < found.cols; ++c)
          worst = std::max(worst, std::abs(double{found(r, c)} - expected[std::size_t(r)][std::size_t(c)]));
    });
  }
  return worst;
}

constexpr double tolerance = 2e-5;

}  // namespace

TEST_CASE("llama equals plain loops", "[model]") { CHECK(difference_to_plain(random_model()) < tolerance); }

TEST_CASE("llama with every bias equals plain loops", "[model]") {
  random_model model;
  model.config["attention_bias"] = true;
  model.config["mlp_bias"] = true;
  CHECK(difference_to_plain(model) < tolerance);
}

TEST_CASE("mistral with windows of several sizes equals plain loops", "[model]") {
  random_model model("mistral", "MistralForCausalLM");
  for (int const window : {1, 5, 16, 63, 64, 200}) {
    INFO("window " << window);
    model.config["sliding_window"] = window;
    CHECK(difference_to_plain(model) < tolerance);
  }
}

TEST_CASE("qwen2 with a window on its second block equals plain loops", "[model]") {
  random_model model("qwen2", "Qwen2ForCausalLM");
  model.config["use_sliding_window"] = true;
  model.config["sliding_window"] = 7;
  model.config["max_window_layers"] = 1;
  CHECK(difference_to_plain(model) < tolerance);
}

TEST_CASE("qwen3 with biases equals plain loops", "[model]") {
  random_model model("qwen3", "Qwen3ForCausalLM");
  CHECK(difference_to_plain(model) < tolerance);
  model.config["attention_bias"] = true;
  CHECK(difference_to_plain(model) < tolerance);
}
