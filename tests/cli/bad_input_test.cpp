// Everything a user can get wrong: exit code 2, one clear sentence, nothing half-written.
#include <limits>

#include "support/program.hpp"
#include "support/small_model.hpp"

using amq_test::bytes_of;
using amq_test::lacks;
using amq_test::refused;
using amq_test::small_model;

namespace {

/// `amq evaluate` on a small model; every bad model or token file is met by it first.
std::string evaluate(small_model const& model, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"evaluate", model.path(),  "--tokens", model.tokens(), "--bits", "4", "--group",
                                     "16",       "--sequences", "2",        "--length",     "32"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return refused(arguments);
}

std::string evaluate_tokens(small_model const& model, std::string const& tokens, int sequences = 2, int length = 32) {
  return refused({"evaluate", model.path(), "--tokens", tokens, "--bits", "4", "--group", "16", "--sequences",
                  std::to_string(sequences), "--length", std::to_string(length)});
}

using json = nlohmann::json;

}  // namespace

TEST_CASE("a sound model is evaluated, so that the refusals below are about what they break") {
  small_model const model;
  auto const result = amq_test::run({"evaluate", model.path(), "--tokens", model.tokens(), "--bits", "4", "--group",
                                     "16", "--sequences", "2", "--length", "32", "--json"});
  CHECK(result.err == "");
  REQUIRE(result.code == 0);
  auto const printed = json::parse(result.out);
  for (char const* key :
       {"jsd", "jsd_se", "kl", "kl_se", "kl_p99", "kl_p99_se", "top1", "top1_se", "perplexity", "perplexity_se",
        "reference_perplexity", "reference_perplexity_se", "average_bits", "linear_bytes", "model_bytes", "seconds"})
    CHECK(printed.contains(key));
  CHECK(printed["average_bits"] == 6.0);
}

TEST_CASE("a model folder that is missing, empty or a file") {
  small_model const model;
  CHECK(lacks(refused({"inspect", "no/such/folder"}), {"no/such/folder"}) == "");
  std::filesystem::remove(model.weights());
  CHECK(lacks(evaluate(model), {"model.safetensors"}) == "");
  std::filesystem::remove(model.folder() / "config.json");
  CHECK(lacks(evaluate(model), {"config.json"}) == "");
  CHECK(lacks(refused({"inspect", model.tokens()}), {"tokens.u16"}) == "");
}

TEST_CASE("an empty weights file and one that is cut short") {
  small_model const model;
  auto const whole = amq_test::read_bytes(model.weights());
  model.write("model.safetensors", "");
  CHECK(lacks(evaluate(model), {"model.safetensors", "empty"}) == "");
  for (std::size_t const kept : {std::size_t{5}, std::size_t{100}, whole.size() / 2, whole.size() - 1}) {
    model.write("model.safetensors", whole.substr(0, kept));
    CHECK(lacks(evaluate(model), {"model.safetensors"}) == "");
  }
}

TEST_CASE("a safetensors header that is longer than its file or no JSON") {
  small_model const model;
  model.write("model.safetensors", bytes_of(std::uint64_t{1} << 40) + "{}");
  CHECK(lacks(evaluate(model), {"model.safetensors"}) == "");
  model.write("model.safetensors", amq_test::safetensors_bytes("{\"a\": nonsense}", ""));
  CHECK(lacks(evaluate(model), {"model.safetensors", "JSON"}) == "");
}

TEST_CASE("tensors whose offsets overlap, lie outside, or whose dtype is unknown") {
  small_model const model;
  auto const name = "model.norm.weight";
  small_model const overlapping;
  overlapping.rewrite_header([&](json& header) { header[name]["data_offsets"] = {0, 256}; });
  CHECK(lacks(evaluate(overlapping), {"model.safetensors"}) == "");
  small_model const outside;
  outside.rewrite_header([&](json& header) {
    header[name]["data_offsets"] = {std::int64_t{1} << 40, (std::int64_t{1} << 40) + 256};
  });
  CHECK(lacks(evaluate(outside), {"model.safetensors"}) == "");
  small_model const unknown;
  unknown.rewrite_header([&](json& header) { header[name]["dtype"] = "F99"; });
  CHECK(lacks(evaluate(unknown), {"model.safetensors", name, "F99"}) == "");
}

TEST_CASE("a shape that disagrees with config.json") {
  small_model const model;
  model.configure([](json& config) { config["intermediate_size"] = 96; });
  CHECK(lacks(evaluate(model), {"mlp.gate_proj", "(80, 64)", "(96, 64)"}) == "");
  CHECK(lacks(refused({"inspect", model.path()}), {"(80, 64)", "(96, 64)"}) == "");
}

TEST_CASE("a config without a needed key, with a wrong type, an absurd value or another architecture") {
  auto const broken = [](auto const& edit) {
    small_model const model;
    model.configure(edit);
    return refused({"inspect", model.path()});
  };
  CHECK(lacks(broken([](json& c) { c.erase("hidden_size"); }), {"config.json", "hidden_size"}) == "");
  CHECK(lacks(broken([](json& c) { c["hidden_size"] = "wide"; }), {"config.json", "hidden_size", "wide"}) == "");
  CHECK(lacks(broken([](json& c) { c["num_hidden_layers"] = -3; }), {"config.json", "num_hidden_layers", "-3"}) == "");
  CHECK(lacks(broken([](json& c) { c["vocab_size"] = 1e18; }), {"config.json", "vocab_size"}) == "");
  CHECK(lacks(broken([](json& c) { c["num_attention_heads"] = 0; }), {"config.json", "num_attention_heads"}) == "");
  CHECK(lacks(broken([](json& c) { c["model_type"] = "mamba"; }), {"config.json", "mamba", "llama"}) == "");
  small_model const model;
  model.write("config.json", "{\"hidden_size\": 64");
  CHECK(lacks(refused({"inspect", model.path()}), {"config.json", "JSON"}) == "");
}

TEST_CASE("NaN and infinite weights are named") {
  small_model const model;
  model.patch_weights(0, bytes_of(std::numeric_limits<float>::quiet_NaN()));
  CHECK(lacks(evaluate(model), {"model.safetensors", "NaN"}) == "");
}

TEST_CASE("tokens that the model does not have, or too few of them") {
  small_model const model;
  auto const big = model.scratch().write("big.u16", std::string(400, '\1')).string();
  CHECK(lacks(evaluate_tokens(model, big), {"big.u16", "257", "96"}) == "");
  CHECK(lacks(evaluate_tokens(model, model.tokens(), 1000, 32), {"tokens.u16", "4096"}) == "");
  CHECK(lacks(evaluate_tokens(model, "nowhere.u16"), {"nowhere.u16"}) == "");
  auto const odd = model.scratch().write("odd.u16", std::string(401, '\0')).string();
  CHECK(lacks(evaluate_tokens(model, odd), {"odd.u16", "401"}) == "");
  auto const empty = model.scratch().write("empty.u32", "").string();
  CHECK(lacks(evaluate_tokens(model, empty), {"empty.u32"}) == "");
  auto const text = model.scratch().write("book.txt", "once upon a time").string();
  CHECK(lacks(evaluate_tokens(model, text), {"tokenizer.json", "cannot be"}) == "");
  std::string const header = "{'descr': '<u2', 'fortran_order': False, 'shape': (3, 20), }\n";
  auto const rows =
      model.scratch()
          .write("rows.npy", std::string("\x93NUMPY\x01\x00", 8) + bytes_of(static_cast<std::uint16_t>(header.size())) +
                                 header + std::string(120, '\0'))
          .string();
  CHECK(lacks(evaluate_tokens(model, rows, 4, 16), {"rows.npy", "3"}) == "");
  CHECK(lacks(evaluate_tokens(model, rows, 2, 21), {"rows.npy", "20"}) == "");
}

TEST_CASE("sequences below one, a length of nothing and one over the model's maximum") {
  small_model const model;
  CHECK(lacks(evaluate_tokens(model, model.tokens(), 0), {"0"}) == "");
  CHECK(lacks(evaluate_tokens(model, model.tokens(), -2), {"-2"}) == "");
  CHECK(lacks(evaluate_tokens(model, model.tokens(), 2, 0), {"length", "0"}) == "");
  CHECK(lacks(evaluate_tokens(model, model.tokens(), 2, 1), {"length", "1"}) == "");
  CHECK(lacks(evaluate_tokens(model, model.tokens(), 2, 257), {"257", "256"}) == "");
}

TEST_CASE("a group that does not divide a layer's inputs: three layers, how many more, the largest that fits") {
  small_model const model;
  auto const said = refused({"evaluate", model.path(), "--tokens", model.tokens(), "--bits", "4", "--sequences", "2",
                             "--length", "32", "--group", "64"});
  CHECK(lacks(said, {"64", "model.layers.0.mlp.down_proj", "model.layers.1.mlp.down_proj", "80", "16"}) == "");
  auto const default_group = refused({"search", model.path(), "--tokens", model.tokens(), "--seed", "1", "--out",
                                      (model.scratch().path() / "out").string()});
  CHECK(lacks(default_group, {"128", "self_attn.q_proj", "11 more", "16"}) == "");
  CHECK_FALSE(std::filesystem::exists(model.scratch().path() / "out" / "archive.sqlite"));
  CHECK(lacks(refused({"inspect", model.path(), "--group", "0"}), {"--group 0"}) == "");
}

TEST_CASE("bits outside 2 to 8, on the command line and in a configuration file") {
  small_model const model;
  for (char const* bits : {"1", "9", "-4", "0"})
    CHECK(lacks(refused({"evaluate", model.path(), "--tokens", model.tokens(), "--bits", bits, "--group", "16",
                         "--sequences", "2", "--length", "32"}),
                {bits, "2", "8"}) == "");
  CHECK(lacks(refused({"search", model.path(), "--tokens", model.tokens(), "--bits", "2,3,11", "--group", "16",
                       "--seed", "1", "--out", "o"}),
              {"11"}) == "");
  CHECK(lacks(refused({"inspect", model.path(), "--bits", "four"}), {"four"}) == "");
}

TEST_CASE("configuration files: missing and unknown layers, a group that disagrees, nonsense") {
  small_model const model;
  json bits;
  for (int block = 0; block < 2; ++block)
    for (char const* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                             "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"})
      bits["model.layers." + std::to_string(block) + "." + name] = 3;
  auto const with = [&](json const& file, std::vector<std::string> more = {}) {
    auto const path = model.scratch().write("c.json", file.dump()).string();
    std::vector<std::string> arguments{"evaluate", model.path(),  "--tokens", model.tokens(), "--configuration",
                                       path,       "--sequences", "2",        "--length",     "32"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  CHECK(amq_test::run(with({{"group_size", 16}, {"bits", bits}})).code == 0);
  CHECK(amq_test::run(with({{"group_size", 16}, {"bits", bits}}, {"--group", "16"})).code == 0);
  CHECK(lacks(refused(with({{"group_size", 16}, {"bits", bits}}, {"--group", "8"})), {"c.json", "16", "8"}) == "");
  auto fewer = bits;
  fewer.erase("model.layers.1.mlp.up_proj");
  CHECK(lacks(refused(with({{"group_size", 16}, {"bits", fewer}})), {"c.json", "model.layers.1.mlp.up_proj"}) == "");
  auto more = bits;
  more["model.layers.9.mlp.up_proj"] = 3;
  CHECK(lacks(refused(with({{"group_size", 16}, {"bits", more}})), {"c.json", "model.layers.9.mlp.up_proj"}) == "");
  auto wide = bits;
  wide["model.layers.0.mlp.up_proj"] = 9;
  CHECK(lacks(refused(with({{"group_size", 16}, {"bits", wide}})), {"c.json", "mlp.up_proj", "9"}) == "");
  CHECK(lacks(refused(with(json::array())), {"c.json"}) == "");
  CHECK(lacks(refused({"evaluate", model.path(), "--tokens", model.tokens(), "--configuration", "none.json"}),
              {"none.json"}) == "");
}

TEST_CASE("bad usage: no command, unknown options and names, both or neither of two alternatives") {
  small_model const model;
  CHECK(refused({}) != "");
  CHECK(lacks(refused({"quantise"}), {"quantise"}) == "");
  CHECK(lacks(refused({"inspect", model.path(), "--colour", "blue"}), {"--colour"}) == "");
  CHECK(refused({"evaluate", model.path(), "--tokens", model.tokens()}) != "");
  CHECK(refused({"evaluate", model.path(), "--tokens", model.tokens(), "--bits", "3", "--configuration", "c.json"}) !=
        "");
  CHECK(lacks(evaluate(model, {"--proxy", "magic"}), {"magic", "hqq", "rtn"}) == "");
  CHECK(lacks(evaluate(model, {"--loss", "l2"}), {"l2", "jsd"}) == "");
  CHECK(lacks(evaluate(model, {"--precision", "f16"}), {"f16", "f32"}) == "");
  CHECK(evaluate(model, {"--threads", "0"}) != "");
  CHECK(amq_test::run({"--help"}).code == 0);
  CHECK(amq_test::run({"search", "--help"}).code == 0);
  CHECK(amq_test::run({"--version"}).out.starts_with("amq "));
}

TEST_CASE("values that are empty, wrap around or make no sense are refused before anything is made") {
  small_model const model;
  auto const out = (model.scratch().path() / "out").string();
  auto const search = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"search",      model.path(), "--tokens", model.tokens(), "--group", "16",
                                       "--sequences", "2",          "--length", "32",           "--out",   out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return refused(arguments);
  };
  CHECK(lacks(search({"--seed", ""}), {"--seed", "''"}) == "");
  CHECK(lacks(search({"--seed", "-1"}), {"--seed", "-1"}) == "");
  CHECK(lacks(search({"--seed", "18446744073709551616"}), {"--seed", "18446744073709551615"}) == "");
  CHECK(lacks(search({"--seed", "1", "--population", "0"}), {"--population"}) == "");
  CHECK(lacks(search({"--seed", "1", "--loss", "l2"}), {"l2", "jsd"}) == "");
  CHECK(lacks(search({"--seed", "1", "--proxy", "nf4"}), {"nf4", "hqq"}) == "");
  CHECK(lacks(search({"--seed", "1", "--generations", "0"}), {"--generations"}) == "");
  CHECK(lacks(search({"--seed", "1", "--threshold", "-1"}), {"--threshold", "-1"}) == "");
  CHECK(lacks(search({"--seed", "1", "--evaluations", "0"}), {"0"}) == "");
  CHECK(lacks(evaluate(model, {"--threads", "100000"}), {"--threads", "1024"}) == "");
  CHECK(refused({"evaluate", model.path(), "--tokens", model.tokens(), "--bits", ""}) != "");
  CHECK(lacks(refused({"deploy", out, "--at-most-bytes", "99999999999999999999", "--out", "o"}), {"--at-most-bytes"}) ==
        "");
  CHECK(lacks(refused({"deploy", out, "--at-most-bits", "", "--out", "o"}), {"--at-most-bits"}) == "");
  CHECK_FALSE(std::filesystem::exists(out));
}
