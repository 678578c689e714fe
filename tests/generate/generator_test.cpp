// A model that runs against the forward pass that evaluations use, packed against dequantized, and itself.
#include "amq/generate/generator.hpp"

#include <cmath>

#include "amq/generate/stop_tokens.hpp"
#include "amq/kernel/dense_product.hpp"
#include "amq/model/llama.hpp"
#include "amq/text/text_stream.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/packed_embedded.hpp"
#include "support/small_model.hpp"

using namespace amq_test;
using token_list = std::vector<std::int32_t>;

namespace {

token_list some_tokens(amq::index count, amq::index vocabulary, int seed) {
  token_list tokens;
  for (amq::index i = 0; i < count; ++i)
    tokens.push_back(static_cast<std::int32_t>((i * 37 + i * i * 11 + seed * 101) % vocabulary));
  return tokens;
}

/// Logits of the next token after `tokens`, read in parts of these sizes with a cache.
std::vector<float> cached_logits(amq::running_model const& model, token_list const& tokens,
                                 std::vector<std::size_t> const& sizes, int threads = 1) {
  amq::thread_executor executor(threads);
  amq::forward_pass pass(model, amq::precision::f32, executor);
  amq::kv_cache cache(model.config(), std::ssize(tokens));
  std::span<std::int32_t const> rest(tokens);
  std::vector<float> logits;
  for (std::size_t const size : sizes) {
    amq::sequence_part const part{&cache, static_cast<amq::index>(size)};
    auto const row = pass.run({&part, 1}, rest.first(size)).row(0);
    logits.assign(row.begin(), row.end());
    rest = rest.subspan(size);
  }
  REQUIRE(rest.empty());
  return logits;
}

/// The same from the model that evaluations use, with these matrices.
std::vector<float> full_logits(amq::llama const& model, std::vector<amq::dense_matrix> const& matrices,
                               token_list const& tokens) {
  struct all_weights {
    std::vector<amq::dense_matrix> const& matrices;
    void multiply(amq::index layer, amq::matrix_view<float const> x, amq::matrix_view<float> y) const {
      matrices[static_cast<std::size_t>(layer)].multiply(x, y);
    }
  };
  amq::llama_state state;
  model.embed(tokens, state);
  for (int block = 0; block < model.blocks(); ++block) model.block(block, state, all_weights{matrices});
  std::vector<float> logits(static_cast<std::size_t>(model.config().vocabulary));
  model.head(state, [&](amq::matrix_view<float const> hidden) {
    amq::dense_matrix(model.output_head())
        .multiply(hidden.rows_from(hidden.rows - 1, 1), {logits.data(), 1, std::ssize(logits)});
  });
  return logits;
}

double largest_difference(std::vector<float> const& a, std::vector<float> const& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(double{a[i]} - double{b[i]}));
  return largest;
}

std::vector<amq::dense_matrix> plain_matrices(amq::llama const& model) {
  std::vector<amq::dense_matrix> all;
  for (amq::index i = 0; i < std::ssize(model.linears()); ++i) all.emplace_back(model.weight(i));
  return all;
}

/// A layer each of 2, 4, 7 and 16 bits among those of 3.
void mixed(std::vector<amq::format>& formats) {
  formats[1] = {2, 64};
  formats[5] = {4, 32};
  formats[9] = {16, amq::format::whole_row};
  formats[12] = {7, 128};
}

amq::generation generated(amq::running_model const& model, std::vector<token_list> const& prompts,
                          amq::generation_options const& options, int threads = 1) {
  amq::thread_executor executor(threads);
  return amq::generate(model, prompts, options, executor, [](amq::index, std::int32_t) {});
}

}  // namespace

TEST_CASE("cached decoding gives what a full forward pass gives, in parts of any size", "[generate]") {
  for (std::string const name :
       {"llama3_rope_untied_f32", "mistral_window_bf16", "qwen2_bias_sharded_f32", "qwen3_qknorm_f16"}) {
    CAPTURE(name);
    auto const folder = std::filesystem::path(AMQ_TESTS_FOLDER "/data/forward") / name;
    auto const source = amq::llama::load(folder);
    auto const model = amq::running_model::load(folder);
    auto const tokens = some_tokens(41, source.config().vocabulary, 1);
    auto const expected = full_logits(source, plain_matrices(source), tokens);
    CHECK(largest_difference(cached_logits(model, tokens, {41}), expected) < 1e-4);
    CHECK(largest_difference(cached_logits(model, tokens, {20, 1, 17, 1, 1, 1}), expected) < 1e-4);
    CHECK(cached_logits(model, tokens, {20, 1, 20}, 3) == cached_logits(model, tokens, {20, 1, 20}, 1));
  }
}

TEST_CASE("a cache grows as it fills, keeps what it holds, and can be cut back", "[generate]") {
  auto const folder = std::filesystem::path(AMQ_TESTS_FOLDER "/data/forward/llama3_rope_untied_f32");
  auto const model = amq::running_model::load(folder);
  auto const tokens = some_tokens(150, model.config().vocabulary, 1);
  CHECK(largest_difference(cached_logits(model, tokens, {60, 1, 1, 1, 1, 1, 1, 84}),
                           cached_logits(model, tokens, {150})) < 1e-4);
  amq::serial_executor executor;
  amq::forward_pass pass(model, amq::precision::f32, executor);
  amq::kv_cache cache(model.config(), 200);
  CHECK(cache.bytes() == 0);
  std::span<std::int32_t const> const all(tokens);
  auto const next = [&](std::int32_t token) {
    amq::sequence_part const one{&cache, 1};
    return pass.run({&one, 1}, {&token, 1})(0, 0);
  };
  amq::sequence_part const part{&cache, 40};
  pass.run({&part, 1}, all.first(40));
  auto const small = cache.bytes();
  float const expected = next(7);
  cache.rewind(40);
  next(8);
  cache.rewind(40);
  CHECK(next(7) == expected);
  CHECK(cache.length() == 41);
  cache.reserve(100);
  CHECK(cache.bytes() > small);
  CHECK_THROWS_AS(cache.reserve(160), amq::precondition_error);
}

TEST_CASE("packed and dequantized weights give the same logits and the same text", "[generate]") {
  packed_embedded const packed(mixed);
  auto const model = amq::running_model::load(packed.folder.path());
  CHECK(model.notes().size() == 1);  // the layer of 7 bits
  CHECK(model.linear(0).tiled().has_value());
  CHECK(model.linear(9).plain() != nullptr);
  auto const words = amq::tokenizer::load(packed.folder.path());
  auto tokens = words.encode("Once upon a time there was a");
  CHECK(largest_difference(cached_logits(model, tokens, {tokens.size()}),
                           full_logits(packed.source, packed.dequantized, tokens)) < 1e-4);
  auto const text = generated(model, {tokens}, {.tokens = 32}).sequences[0].tokens;
  REQUIRE(text.size() == 32);
  for (auto const token : text) {
    auto const logits = full_logits(packed.source, packed.dequantized, tokens);
    CHECK(token == std::max_element(logits.begin(), logits.end()) - logits.begin());
    tokens.push_back(token);
  }
}

TEST_CASE("a batch of prompts of unequal lengths gives what each gives alone, however they are read", "[generate]") {
  auto const model = amq::running_model::load(embedded_model());
  auto const vocabulary = model.config().vocabulary;
  std::vector<token_list> const prompts{some_tokens(30, vocabulary, 1), some_tokens(1, vocabulary, 2),
                                        some_tokens(9, vocabulary, 3)};
  auto const together = generated(model, prompts, {.tokens = 12});
  for (std::size_t i = 0; i < prompts.size(); ++i)
    CHECK(together.sequences[i].tokens == generated(model, {prompts[i]}, {.tokens = 12}).sequences[0].tokens);
  auto const in_parts = generated(model, prompts, {.tokens = 12, .pass_tokens = 7}, 2);
  for (std::size_t i = 0; i < prompts.size(); ++i) CHECK(together.sequences[i].tokens == in_parts.sequences[i].tokens);
  CHECK(together.figures.prompt_tokens == 40);
  CHECK(together.figures.decoded_tokens == 3 * 11);
  CHECK(together.figures.decode_passes == 11);
}

TEST_CASE("the same seed writes the same text, whatever the threads", "[generate]") {
  auto const model = amq::running_model::load(embedded_model());
  auto const text = [&](std::uint64_t seed, int threads) {
    return generated(model, {some_tokens(5, 2048, 1)},
                     {.tokens = 20, .sampling = {.temperature = 1, .top_k = 50, .top_p = 0.95}, .seed = seed}, threads)
        .sequences[0]
        .tokens;
  };
  CHECK(text(7, 1) == text(7, 2));
  CHECK(text(7, 1) != text(8, 1));
}

TEST_CASE("a sequence ends at a stop token, at as many tokens as asked for, or where the model's positions end",
          "[generate]") {
  auto const model = amq::running_model::load(embedded_model());
  auto const prompt = some_tokens(250, 2048, 1);
  auto const free = generated(model, {prompt}, {.tokens = 4}).sequences[0];
  CHECK(free.end == amq::ending::enough);
  REQUIRE(free.tokens.size() == 4);
  auto const stopped = generated(model, {prompt}, {.tokens = 4, .stop = {free.tokens[0]}}).sequences[0];
  CHECK(stopped.end == amq::ending::stop_token);
  CHECK(stopped.tokens.empty());
  auto const full = generated(model, {prompt}, {.tokens = 100}).sequences[0];
  CHECK(full.end == amq::ending::context_full);
  CHECK(full.tokens.size() == 256 - 250 + 1);
}

TEST_CASE("prompts that a model cannot read are refused", "[generate]") {
  auto const model = amq::running_model::load(embedded_model());
  auto const said = [&](token_list const& prompt) {
    return refusal([&] { generated(model, {prompt}, {.tokens = 4}); });
  };
  CHECK(lacks(said({}), {"no tokens"}) == "");
  CHECK(lacks(said({1, 2048}), {"2048", "vocabulary"}) == "");
  CHECK(lacks(said(token_list(257, 1)), {"257 tokens", "at most 256"}) == "");
}

TEST_CASE("stop tokens come from generation_config.json or config.json, one or a list", "[generate]") {
  small_model const model;
  auto const stop = [&] { return amq::load_stop_tokens(model.folder()); };
  model.configure([](auto& config) { config["eos_token_id"] = 5; });
  CHECK(stop() == token_list{5});
  model.write("generation_config.json", R"({"eos_token_id": [7, 9]})");
  CHECK(stop() == token_list{7, 9});
  model.write("generation_config.json", R"({"eos_token_id": "x"})");
  CHECK(lacks(refusal([&] { stop(); }), {"eos_token_id", "generation_config.json"}) == "");
}

TEST_CASE("a model's file that is corrupt anywhere writes something or is refused in a sentence", "[generate]") {
  packed_embedded const packed(mixed);
  auto const good = read_bytes(packed.folder.path() / "model.safetensors");
  amq::random_stream random{5};
  int refused = 0;
  for (int round = 0; round < 40; ++round) {
    CAPTURE(round);
    auto bytes = good;
    amq::index const within = round % 2 == 0 ? std::ssize(bytes) : 12000;
    for (int i = 0; i < 30; ++i)
      bytes[static_cast<std::size_t>(random.below(within))] = static_cast<char>(random.below(256));
    packed.folder.write("model.safetensors", bytes);
    try {
      auto const model = amq::running_model::load(packed.folder.path());
      generated(model, {some_tokens(3, 2048, round)}, {.tokens = 2});
    } catch (amq::input_error const& failure) {
      ++refused;
      CHECK(std::string(failure.what()).size() <= 600);
    }
  }
  CHECK(refused >= 20);
  CHECK(refused < 40);
}

TEST_CASE("folders that do not hold the model of their config are refused in a sentence", "[generate]") {
  packed_embedded const packed(mixed);
  auto const config = packed.folder.path() / "config.json";
  auto const good = nlohmann::json::parse(read_bytes(config));
  auto const said = [&](char const* key, nlohmann::json const& value) {
    auto edited = good;
    edited[key] = value;
    packed.folder.write("config.json", edited.dump());
    return refusal([&] { amq::running_model::load(packed.folder.path()); });
  };
  CHECK(lacks(said("num_hidden_layers", 7), {"56 linear layers", "49"}) == "");
  CHECK(lacks(said("intermediate_size", 256), {"mlp.gate_proj", "(384, 128)", "(256, 128)"}) == "");
  CHECK(lacks(said("quantization_config", {{"quant_method", "gptq"}}), {"another format"}) == "");
  CHECK(lacks(said("vocab_size", 100), {"embed_tokens", "(2048, 128)"}) == "");
  CHECK(lacks(refusal([&] { amq::llama::load(packed.folder.path()); }), {"quantized"}) == "");
}
