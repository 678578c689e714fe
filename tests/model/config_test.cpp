#include "amq/model/config.hpp"

#include "amq/model/layout.hpp"
#include "support/files.hpp"

using namespace amq_test;

namespace {

nlohmann::json llama_json() {
  return nlohmann::json::parse(R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64,
    "intermediate_size": 80, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "vocab_size": 96, "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "hidden_act": "silu"})");
}

nlohmann::json qwen_json(std::string const& type, std::string const& name) {
  auto json = llama_json();
  json["model_type"] = type;
  json["architectures"] = {name};
  return json;
}

amq::model_config read(nlohmann::json const& json) {
  scratch_folder const folder;
  folder.write("config.json", json.dump());
  return amq::load_config(folder.path());
}

/// What reading says when `key` has this value; every message must name the file.
std::string refused_with(std::string const& key, nlohmann::json const& value, nlohmann::json json = llama_json()) {
  json[key] = value;
  auto const message = refusal([&] { read(json); });
  CHECK(lacks(message, {"config.json", "expected"}) == "");
  return message;
}

}  // namespace

TEST_CASE("a plain llama config and its defaults", "[model]") {
  auto json = llama_json();
  auto const config = read(json);
  CHECK(config.architecture == amq::architecture::llama);
  CHECK(config.head_size == 16);
  CHECK(config.query_width(0) == 64);
  CHECK(config.key_value_width(1) == 32);
  CHECK(config.rope.theta == 10000.0);
  CHECK_FALSE(config.tied_head);
  CHECK_FALSE(config.query_key_value_bias);
  CHECK(config.windows == std::vector<amq::index>{0, 0});
  json.erase("num_key_value_heads");
  CHECK(read(json).key_value_heads == 4);
}

TEST_CASE("pruned blocks have widths of their own", "[model]") {
  auto json = llama_json();
  json["num_attention_heads"] = {4, 2};
  json["num_key_value_heads"] = {2, 1};
  json["intermediate_size"] = {80, 48};
  json["head_dim"] = 16;
  auto const config = read(json);
  REQUIRE(config.pruned());
  CHECK(config.heads == 4);
  CHECK(config.key_value_heads == 2);
  CHECK(config.intermediate == 80);
  CHECK(config.shape(1) == amq::block_shape{2, 1, 48});
  CHECK(config.query_width(1) == 32);
  auto const linears = amq::linears_of(config);
  CHECK((linears[7].rows == 32 && linears[8].rows == 16 && linears[10].cols == 32 && linears[13].cols == 48));
  CHECK(lacks(refused_with("head_dim", nullptr, json), {"unequal widths", "head_dim is not given"}) == "");
  CHECK(lacks(refused_with("num_attention_heads", {4}, json), {"'num_attention_heads' is [4]", "a list of 2"}) == "");
  CHECK(lacks(refused_with("num_attention_heads", {4, "2"}, json), {"is \"2\"", "an integer"}) == "");
  CHECK(lacks(refused_with("intermediate_size", {4, 0}, json), {"'intermediate_size' is 0", "from 1 to"}) == "");
  CHECK(lacks(refused_with("num_key_value_heads", {2, 4}, json), {"num_attention_heads is 2", "divide"}) == "");
  json["num_attention_heads"] = {4, 4};
  json["num_key_value_heads"] = 2;
  json["intermediate_size"] = 80;
  CHECK_FALSE(read(json).pruned());
}

TEST_CASE("both dialects of rope", "[model]") {
  auto json = llama_json();
  json["rope_theta"] = 5e5;
  json["rope_scaling"] = {{"type", "llama3"},
                          {"factor", 8.0},
                          {"low_freq_factor", 1.0},
                          {"high_freq_factor", 4.0},
                          {"original_max_position_embeddings", 32}};
  auto const older = read(json).rope;
  json.erase("rope_theta");
  json["rope_parameters"] = std::move(json["rope_scaling"]);
  json.erase("rope_scaling");
  json["rope_parameters"].erase("type");
  json["rope_parameters"]["rope_type"] = "llama3";
  json["rope_parameters"]["rope_theta"] = 5e5;
  for (auto const& rope : {older, read(json).rope}) {
    CHECK(rope.theta == 5e5);
    CHECK(rope.llama3);
    CHECK(rope.factor == 8.0);
    CHECK(rope.original_length == 32.0);
  }
}

TEST_CASE("biases and norms by architecture", "[model]") {
  auto json = llama_json();
  json["attention_bias"] = true;
  json["mlp_bias"] = true;
  auto const llama = read(json);
  CHECK(llama.query_key_value_bias);
  CHECK(llama.output_bias);
  CHECK(llama.feed_forward_bias);
  auto const qwen2 = read(qwen_json("qwen2", "Qwen2ForCausalLM"));
  CHECK(qwen2.query_key_value_bias);
  CHECK_FALSE(qwen2.output_bias);
  auto const qwen3 = read(qwen_json("qwen3", "Qwen3ForCausalLM"));
  CHECK_FALSE(qwen3.query_key_value_bias);
  CHECK(qwen3.query_key_norm);
  CHECK(qwen3.head_size == 128);
}

TEST_CASE("sliding windows by architecture", "[model]") {
  using windows = std::vector<amq::index>;
  auto json = qwen_json("mistral", "MistralForCausalLM");
  json["sliding_window"] = 12;
  CHECK(read(json).windows == windows{12, 12});
  json["sliding_window"] = nullptr;
  CHECK(read(json).windows == windows{0, 0});
  json.erase("sliding_window");
  CHECK(read(json).windows == windows{4096, 4096});
  json = llama_json();
  json["sliding_window"] = 12;
  CHECK(read(json).windows == windows{0, 0});
  json = qwen_json("qwen2", "Qwen2ForCausalLM");
  json["sliding_window"] = 12;
  json["max_window_layers"] = 1;
  CHECK(read(json).windows == windows{0, 0});
  json["use_sliding_window"] = true;
  CHECK(read(json).windows == windows{0, 12});
  json["layer_types"] = {"sliding_attention", "full_attention"};
  CHECK(read(json).windows == windows{12, 0});
  CHECK(lacks(refused_with("layer_types", {"full_attention"}, json), {"layer_types", "a list of 2 names"}) == "");
  CHECK(lacks(refused_with("layer_types", {"full_attention", "linear"}, json), {"\"linear\""}) == "");
}

TEST_CASE("a config without a needed key is refused", "[model]") {
  for (std::string const key : {"model_type", "hidden_size", "intermediate_size", "num_hidden_layers",
                                "num_attention_heads", "vocab_size", "max_position_embeddings", "rms_norm_eps"}) {
    auto json = llama_json();
    json.erase(key);
    CHECK(lacks(refusal([&] { read(json); }), {"config.json lacks the key '" + key + "'", "expected"}) == "");
  }
  auto json = qwen_json("mistral", "MistralForCausalLM");
  json.erase("num_key_value_heads");
  CHECK(lacks(refusal([&] { read(json); }), {"'num_key_value_heads'"}) == "");
}

TEST_CASE("a config with a key of the wrong type is refused", "[model]") {
  CHECK(lacks(refused_with("hidden_size", "64"), {"'hidden_size' is \"64\"", "an integer"}) == "");
  CHECK(lacks(refused_with("hidden_size", 64.5), {"'hidden_size' is 64.5", "an integer"}) == "");
  CHECK(lacks(refused_with("rms_norm_eps", "small"), {"'rms_norm_eps'", "a number"}) == "");
  CHECK(lacks(refused_with("tie_word_embeddings", 1), {"'tie_word_embeddings' is 1", "true or false"}) == "");
  CHECK(lacks(refused_with("model_type", 5), {"'model_type' is 5", "a string"}) == "");
  CHECK(lacks(refused_with("rope_scaling", 5), {"'rope_scaling' is 5", "an object"}) == "");
  CHECK(lacks(refused_with("rope_theta", "big"), {"'rope_theta'", "a number"}) == "");
}

TEST_CASE("absurd values are refused", "[model]") {
  for (std::string const key : {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                                "num_key_value_heads", "vocab_size", "max_position_embeddings"})
    for (std::int64_t const value : {std::int64_t{0}, std::int64_t{-4}, std::int64_t{1} << 40})
      CHECK(lacks(refused_with(key, value), {"'" + key + "' is " + std::to_string(value), "from 1 to"}) == "");
  CHECK(lacks(refused_with("num_hidden_layers", 1000001), {"'num_hidden_layers' is 1000001"}) == "");
  CHECK(lacks(refused_with("rms_norm_eps", 0), {"'rms_norm_eps'"}) == "");
  CHECK(lacks(refused_with("rms_norm_eps", -1e-5), {"'rms_norm_eps'"}) == "");
  CHECK(lacks(refused_with("rope_theta", 0.5), {"'rope_theta'"}) == "");
  CHECK(lacks(refused_with("head_dim", 0), {"'head_dim' is 0"}) == "");
}

TEST_CASE("heads that do not divide, and odd head sizes, are refused", "[model]") {
  CHECK(lacks(refused_with("num_attention_heads", 6), {"hidden_size is 64", "num_attention_heads 6", "divide"}) == "");
  CHECK(lacks(refused_with("num_key_value_heads", 3),
              {"num_attention_heads is 4", "num_key_value_heads 3", "divide"}) == "");
  CHECK(lacks(refused_with("head_dim", 15), {"head size is 15", "even"}) == "");
}

TEST_CASE("unsupported architectures and features are refused", "[model]") {
  CHECK(lacks(refused_with("model_type", "gpt2"), {"model_type 'gpt2'", "llama, mistral, qwen2 or qwen3"}) == "");
  CHECK(lacks(refused_with("architectures", {"LlamaForSequenceClassification"}),
              {"LlamaForSequenceClassification", "LlamaForCausalLM"}) == "");
  CHECK(lacks(refused_with("architectures", {"MistralForCausalLM"}), {"MistralForCausalLM"}) == "");
  CHECK(lacks(refused_with("hidden_act", "gelu"), {"activation 'gelu'", "silu"}) == "");
  CHECK(lacks(refused_with("rope_scaling", {{"type", "yarn"}}), {"rope type 'yarn'", "default or llama3"}) == "");
  CHECK(lacks(refused_with("rope_scaling", {{"rope_type", "llama3"}}), {"lacks the key 'factor'"}) == "");
  CHECK(lacks(refused_with("rope_parameters", {{"full_attention", {{"rope_theta", 1e6}}}}),
              {"by layer type", "'full_attention'"}) == "");
  CHECK(lacks(refused_with("quantization_config", {{"bits", 4}}), {"quantized already"}) == "");
  CHECK(lacks(refused_with("partial_rotary_factor", 0.5), {"partial_rotary_factor"}) == "");
}

TEST_CASE("a config that is missing, empty or not JSON is refused", "[model]") {
  scratch_folder const folder;
  auto const load = [&] { return refusal([&] { amq::load_config(folder.path()); }); };
  CHECK(lacks(load(), {"config.json", "No such file", "expected"}) == "");
  folder.write("config.json", "");
  CHECK(lacks(load(), {"config.json is empty"}) == "");
  folder.write("config.json", "{,");
  CHECK(lacks(load(), {"config.json is not valid JSON"}) == "");
}
