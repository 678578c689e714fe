// The forward pass against transformers (golden forward/).
#include <cmath>
#include <thread>

#include "amq/io/safetensors.hpp"
#include "amq/model/llama.hpp"
#include "support/files.hpp"
#include "support/plain_weights.hpp"

using namespace amq_test;

namespace {

/// A golden tensor of shape (rows, positions, width), or (rows, positions) with a width of 1.
class golden_rows {
 public:
  golden_rows(amq::safetensors_file const& file, std::string const& name) {
    for (auto const& tensor : file.tensors())
      if (tensor.name == name) tensor_ = &tensor;
  }

  bool there() const { return tensor_ != nullptr; }
  amq::index rows() const { return tensor_->shape[0]; }
  std::vector<std::int32_t> tokens(amq::index row) const {
    auto const length = static_cast<std::size_t>(tensor_->shape[1]);
    std::vector<std::int32_t> ids(length);
    std::memcpy(ids.data(), tensor_->bytes.data() + 4 * length * static_cast<std::size_t>(row), 4 * length);
    return ids;
  }
  /// The largest difference to `found` (positions, width).
  double difference(amq::index row, amq::matrix_view<float const> found) const {
    std::vector<float> expected(static_cast<std::size_t>(tensor_->size()));
    amq::to_f32(*tensor_, expected);
    float const* const first = expected.data() + row * found.size();
    double worst = 0;
    for (amq::index p = 0; p < found.rows; ++p)
      for (amq::index c = 0; c < found.cols; ++c)
        worst = std::max(worst, std::abs(double{first[p * found.cols + c]} - double{found(p, c)}));
    return worst;
  }

 private:
  amq::tensor_view const* tensor_ = nullptr;
};

void check_row(golden_rows const& golden, amq::index row, amq::matrix_view<float const> found, double tolerance) {
  if (golden.there()) CHECK(golden.difference(row, found) < tolerance);
}

amq::matrix<float> logits_of(amq::llama const& model, amq::matrix_view<float const> hidden) {
  auto const head = model.output_head();
  amq::matrix<float> logits(hidden.rows, head.rows);
  for (amq::index p = 0; p < hidden.rows; ++p)
    for (amq::index token = 0; token < head.rows; ++token)
      for (amq::index c = 0; c < head.cols; ++c) logits(p, token) += hidden(p, c) * head(token, c);
  return logits;
}

/// Runs every row of a golden case through the model.
void check_golden(std::filesystem::path const& model_folder, std::filesystem::path const& golden, double tolerance) {
  auto const model = amq::llama::load(model_folder);
  amq::safetensors_file const file(golden);
  plain_weights const weights(model);
  golden_rows const input(file, "input_ids");
  REQUIRE(golden_rows(file, "logits").there());
  amq::llama::state state;
  for (amq::index row = 0; row < input.rows(); ++row) {
    INFO("row " << row);
    model.embed(input.tokens(row), state);
    for (int block = 0; block < model.blocks(); ++block) {
      INFO("before block " << block);
      check_row(golden_rows(file, "hidden_" + std::to_string(block)), row, state.hidden, tolerance);
      model.block(block, state, weights);
    }
    model.head(state, [&](amq::matrix_view<float const> hidden) {
      check_row(golden_rows(file, "hidden_final_norm"), row, hidden, tolerance);
      check_row(golden_rows(file, "logits"), row, logits_of(model, hidden), tolerance);
    });
  }
}

void check_own(std::string const& name) {
  auto const folder = std::filesystem::path(AMQ_TESTS_FOLDER) / "data/forward";
  check_golden(folder / name, folder / (name + ".safetensors"), 5e-4);
}

void check_real(std::string const& name) {
  std::string const data = AMQ_TEST_DATA;
  if (data.empty()) {
    WARN("skipped: AMQ_TEST_DATA is not set");
    return;
  }
  check_golden(data + "/data/models/" + name, data + "/golden/forward/real_" + name + ".safetensors", 2e-4);
}

std::filesystem::path own_model(std::string const& name) {
  return std::filesystem::path(AMQ_TESTS_FOLDER) / "data/forward" / name;
}

amq::matrix<float> final_hidden(amq::llama const& model, std::vector<std::int32_t> const& tokens,
                                amq::llama::state& state) {
  plain_weights const weights(model);
  model.embed(tokens, state);
  for (int block = 0; block < model.blocks(); ++block) model.block(block, state, weights);
  amq::matrix<float> result;
  model.head(state, [&](amq::matrix_view<float const> hidden) { result = amq::clone(hidden); });
  return result;
}

bool same_bits(amq::matrix<float> const& a, amq::matrix<float> const& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), sizeof(float) * static_cast<std::size_t>(a.size())) == 0;
}

}  // namespace

TEST_CASE("llama with llama3 rope, untied head, F32", "[model]") { check_own("llama3_rope_untied_f32"); }
TEST_CASE("mistral with a sliding window, BF16", "[model]") { check_own("mistral_window_bf16"); }
TEST_CASE("qwen2 with biases, tied head, sharded F32", "[model]") { check_own("qwen2_bias_sharded_f32"); }
TEST_CASE("qwen3 with q/k norms and a free head size, F16", "[model]") { check_own("qwen3_qknorm_f16"); }
TEST_CASE("the trained model TinyStories-656K", "[model]") { check_real("TinyStories-656K"); }
TEST_CASE("the trained model babyllama361", "[model]") { check_real("babyllama361"); }

TEST_CASE("a state is reused for shorter and longer sequences and other models without a trace", "[model]") {
  auto const llama = amq::llama::load(own_model("llama3_rope_untied_f32"));
  auto const qwen = amq::llama::load(own_model("qwen3_qknorm_f16"));
  std::vector<std::int32_t> const longer{5, 9, 2, 7, 7, 1};
  std::vector<std::int32_t> const shorter{8, 3};
  amq::llama::state fresh_longer;
  amq::llama::state fresh_shorter;
  auto const expected_longer = final_hidden(llama, longer, fresh_longer);
  auto const expected_shorter = final_hidden(llama, shorter, fresh_shorter);
  amq::llama::state used;
  CHECK(same_bits(final_hidden(llama, shorter, used), expected_shorter));
  CHECK(same_bits(final_hidden(llama, longer, used), expected_longer));
  final_hidden(qwen, longer, used);
  CHECK(same_bits(final_hidden(llama, longer, used), expected_longer));
  CHECK(same_bits(final_hidden(llama, shorter, used), expected_shorter));
}

TEST_CASE("hidden states may move to another thread's state between blocks", "[model]") {
  auto const model = amq::llama::load(own_model("mistral_window_bf16"));
  plain_weights const weights(model);
  std::vector<std::int32_t> const tokens{1, 5, 9, 20, 44, 3, 3, 8, 90, 111, 4, 5, 6, 7, 8, 9};
  amq::llama::state straight;
  auto const expected = final_hidden(model, tokens, straight);
  amq::llama::state first;
  amq::llama::state second;
  model.embed(tokens, first);
  model.block(0, first, weights);
  second.hidden = first.hidden.clone();
  amq::matrix<float> found;
  std::thread([&] {
    for (int block = 1; block < model.blocks(); ++block) model.block(block, second, weights);
    model.head(second, [&](amq::matrix_view<float const> hidden) { found = amq::clone(hidden); });
  }).join();
  CHECK(same_bits(found, expected));
}

TEST_CASE("a position does not depend on what follows", "[model]") {
  auto const model = amq::llama::load(own_model("llama3_rope_untied_f32"));
  std::vector<std::int32_t> tokens;
  for (int t = 0; t < 40; ++t) tokens.push_back((7 * t) % 96);
  amq::llama::state state;
  auto const whole = final_hidden(model, tokens, state);
  tokens.resize(23);
  auto const part = final_hidden(model, tokens, state);
  for (amq::index i = 0; i < part.size(); ++i) CHECK(part.data()[i] == Approx(whole.data()[i]).margin(1e-5));
}

TEST_CASE("tokens that the model cannot take are the caller's mistake", "[model]") {
  auto const model = amq::llama::load(own_model("llama3_rope_untied_f32"));
  amq::llama::state state;
  auto const embed = [&](std::vector<std::int32_t> const& tokens) {
    return refusal<amq::precondition_error>([&] { model.embed(tokens, state); });
  };
  CHECK(lacks(embed({96}), {"token id 96", "96"}) == "");
  CHECK(lacks(embed({-1}), {"token id -1"}) == "");
  CHECK(lacks(embed({}), {"0 tokens"}) == "");
  CHECK(lacks(embed(std::vector<std::int32_t>(257, 1)), {"257 tokens", "1 to 256"}) == "");
}
