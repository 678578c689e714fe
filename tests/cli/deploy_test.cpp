// From a search to files of other programs: ties, targets, budgets, real quantizers, verification.
#include <algorithm>

#include "support/program.hpp"
#include "support/small_model.hpp"

using amq_test::lacks;
using amq_test::refused;
using amq_test::run;
using amq_test::small_model;
using json = nlohmann::json;
using strings = std::vector<std::string>;

namespace {

/// `more` comes in pairs of an option and its value, each instead of the usual one.
strings searching(small_model const& model, std::string const& out, strings const& more = {}) {
  strings arguments{"search",        model.path(), "--tokens",    model.tokens(),
                    "--group",       "16",         "--sequences", "3",
                    "--length",      "48",         "--seed",      "5",
                    "--evaluations", "60",         "--out",       (model.scratch().path() / out).string()};
  for (std::size_t i = 0; i + 1 < more.size(); i += 2) {
    auto const usual = std::find(arguments.begin(), arguments.end(), more[i]);
    if (usual != arguments.end())
      *(usual + 1) = more[i + 1];
    else
      arguments.insert(arguments.end(), {more[i], more[i + 1]});
  }
  return arguments;
}

strings deploying(small_model const& model, std::string const& out, std::string const& target, strings more) {
  strings arguments{"deploy", (model.scratch().path() / out).string(), "--out",
                    (model.scratch().path() / target).string(), "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

json description(small_model const& model, std::string const& target) {
  return json::parse(amq_test::read_bytes(model.scratch().path() / target / "quantization.json"));
}

}  // namespace

TEST_CASE("tied layers share their choice from search to files, in bytes of the target") {
  small_model const model;
  auto const found = run(searching(model, "out", {"--target", "compressed-tensors", "--tie", "qkv,gate_up"}));
  INFO(found.err);
  REQUIRE(found.code == 0);
  auto const made = run(deploying(
      model, "out", "made",
      {"--at-most-bits", "5", "--quantizer", "gptq", "--format", "compressed-tensors", "--heldout", model.tokens()}));
  INFO(made.err);
  REQUIRE(made.code == 0);
  auto const figures = json::parse(made.out);
  CHECK(figures["average_bits"].get<double>() <= 5);
  CHECK(figures["model_bytes"] == figures["weight_bytes"]);
  auto const bits = description(model, "made")["bits"];
  for (std::string const block : {"model.layers.0.", "model.layers.1."}) {
    CHECK(bits[block + "self_attn.q_proj"] == bits[block + "self_attn.v_proj"]);
    CHECK(bits[block + "mlp.gate_proj"] == bits[block + "mlp.up_proj"]);
  }
  CHECK(figures["verified"]["candidates"].size() >= 2);
  auto const config = json::parse(amq_test::read_bytes(model.scratch().path() / "made" / "config.json"));
  CHECK(config["quantization_config"]["quant_method"] == "compressed-tensors");
}

TEST_CASE("one archive is written in every format that holds it, each of the size predicted") {
  small_model const model;
  REQUIRE(run(searching(model, "out", {"--bits", "4,8", "--tie", "qkv,gate_up"})).code == 0);
  for (std::string const format : {"hf", "amq", "compressed-tensors", "compressed-tensors-symmetric", "gptq"}) {
    CAPTURE(format);
    auto const made = run(deploying(
        model, "out", format, {"--at-most-bits", "8", "--quantizer", "rtn", "--format", format, "--verify", "0"}));
    INFO(made.err);
    REQUIRE(made.code == 0);
    auto const figures = json::parse(made.out);
    if (format != "hf") CHECK(figures["model_bytes"] == figures["weight_bytes"]);
    CHECK(description(model, format)["format"] == format);
  }
  CHECK(lacks(refused(deploying(model, "out", "a", {"--at-most-bits", "8", "--format", "awq"})),
              {"awq", "cannot hold", "model.layers.", "formats that can hold it: hf"}) == "");
  CHECK(lacks(refused(deploying(model, "out", "a", {"--at-most-bits", "9", "--format", "gguf"})), {"gguf"}) == "");
  CHECK(lacks(refused(deploying(model, "out", "a", {"--at-most-bits", "8", "--format", "onnx"})), {"'onnx'"}) == "");
  auto const left_out =
      run(deploying(model, "out", "b", {"--at-most-bits", "9.9", "--format", "awq", "--verify", "1"}));
  CHECK(lacks(left_out.err, {"cannot hold"}) == "");
  CHECK_FALSE(std::filesystem::exists(model.scratch().path() / "a"));
}

TEST_CASE("tables for programs that quantize themselves are written without weights") {
  small_model const model;
  REQUIRE(run(searching(model, "out", {"--bits", "4,8", "--tie", "qkv,gate_up"})).code == 0);
  for (std::string const format : {"autoround", "vllm"}) {
    CAPTURE(format);
    auto const made = run(deploying(model, "out", format, {"--at-most-bits", "8", "--format", format}));
    INFO(made.err);
    REQUIRE(made.code == 0);
    CHECK(json::parse(made.out)["weight_bytes"] == 0);
    CHECK(json::parse(amq_test::read_bytes(model.scratch().path() / format / (format + ".json"))).is_object());
    CHECK_FALSE(std::filesystem::exists(model.scratch().path() / format / "model.safetensors"));
  }
}

TEST_CASE("real zeros are rounded for formats that hold integers, or refused") {
  small_model const model;
  REQUIRE(run(searching(model, "out", {"--bits", "4,8", "--tie", "qkv,gate_up"})).code == 0);
  auto const rounded = run(deploying(model, "out", "a", {"--at-most-bits", "7", "--format", "compressed-tensors"}));
  REQUIRE(rounded.code == 0);
  CHECK(lacks(rounded.err, {"zeros", "fitted again"}) == "");
  CHECK(
      lacks(refused(deploying(model, "out", "b", {"--at-most-bits", "7", "--format", "compressed-tensors", "--exact"})),
            {"zeros", "--exact"}) == "");
  CHECK_FALSE(std::filesystem::exists(model.scratch().path() / "b"));
}

TEST_CASE("verifying quantizes candidates for real and keeps the best of them") {
  small_model const model;
  REQUIRE(run(searching(model, "out")).code == 0);
  auto const made = run(deploying(model, "out", "a", {"--at-most-bits", "5", "--quantizer", "gptq", "--verify", "4"}));
  REQUIRE(made.code == 0);
  auto const figures = json::parse(made.out);
  auto const& verified = figures["verified"];
  CHECK(verified["candidates"].size() >= 4);
  double least = 1e9;
  for (auto const& candidate : verified["candidates"]) {
    CHECK(candidate["average_bits"].get<double>() <= 5);
    least = std::min(least, candidate["measured"]["jsd"].get<double>());
  }
  CHECK(verified["candidates"][verified["chosen"].get<std::size_t>()]["measured"]["jsd"] == least);
  CHECK(figures["jsd"].get<double>() == Approx(least).epsilon(1e-5));
  CHECK(verified["rank_correlation"].is_number());
}

TEST_CASE("from a text and a checkpoint to a model that another program loads") {
  amq_test::scratch_folder const scratch;
  std::string text;
  for (int i = 0; i < 60; ++i)
    text += "Chapter " + std::to_string(i) + ". It was the best of times, it was the worst. ";
  auto const book = scratch.write("book.txt", text).string();
  auto const out = (scratch.path() / "out").string(), made = (scratch.path() / "made").string();
  auto const found = run({"search",        AMQ_SOURCE_FOLDER "/examples/models/tiny",
                          "--tokens",      book,
                          "--sequences",   "2",
                          "--length",      "32",
                          "--target",      "compressed-tensors",
                          "--tie",         "qkv,gate_up",
                          "--seed",        "1",
                          "--evaluations", "12",
                          "--proxy",       "gptq",
                          "--out",         out});
  INFO(found.err);
  REQUIRE(found.code == 0);
  CHECK(lacks(found.err, {"64 calibration tokens", "384 inputs"}) == "");
  CHECK(std::filesystem::exists(scratch.path() / "out" / "statistics.safetensors"));
  auto const deployed = run({"deploy", out, "--quantizer", "gptq", "--format", "compressed-tensors", "--at-most-bits",
                             "3.0", "--out", made, "--json"});
  INFO(deployed.err);
  REQUIRE(deployed.code == 0);
  auto const figures = json::parse(deployed.out);
  CHECK(figures["average_bits"].get<double>() <= 3.0);
  CHECK(figures["model_bytes"] == figures["weight_bytes"]);
  CHECK(std::filesystem::exists(scratch.path() / "made" / "tokenizer.json"));
}

TEST_CASE("every quantizer deploys") {
  small_model const model;
  REQUIRE(run(searching(model, "out", {"--evaluations", "20"})).code == 0);
  for (std::string const quantizer : {"gptq_act_order", "gptq_symmetric", "gptaq", "awq"}) {
    auto const made =
        run(deploying(model, "out", quantizer, {"--at-most-bits", "5", "--quantizer", quantizer, "--format", "amq"}));
    INFO(quantizer << made.err);
    CHECK(made.code == 0);
  }
}

TEST_CASE("formats of every kind are searched and written") {
  small_model const model;
  REQUIRE(
      run(searching(model, "out", {"--formats", "2g16,3g16,3g16+4,stack3,kept16", "--keep", ".*layers\\.0.*o_proj"}))
          .code == 0);
  auto const made = run(deploying(model, "out", "a", {"--at-most-bits", "6", "--format", "amq"}));
  INFO(made.err);
  REQUIRE(made.code == 0);
  auto const formats = description(model, "a")["formats"];
  CHECK(formats["model.layers.0.self_attn.o_proj"] == "kept16");
  auto const figures = json::parse(made.out);
  CHECK(figures["model_bytes"] == figures["weight_bytes"]);
  auto const file = model.scratch().write("c.json", json{{"formats", formats}}.dump()).string();
  CHECK(run({"evaluate", model.path(), "--tokens", model.tokens(), "--configuration", file, "--sequences", "3",
             "--length", "48"})
            .code == 0);
}

TEST_CASE("budgets at the ends are warned of, below them refused, and memory counts the cache") {
  small_model const model;
  REQUIRE(run(searching(model, "out", {"--evaluations", "20"})).code == 0);
  CHECK(lacks(run(deploying(model, "out", "a", {"--at-most-bits", "9"})).err, {"nothing to decide", "everything"}) ==
        "");
  CHECK(lacks(run(deploying(model, "out", "b", {"--at-most-bits", "4.01"})).err, {"nothing to decide", "alone"}) == "");
  CHECK(lacks(refused(deploying(model, "out", "c", {"--at-most-bytes", "1000"})),
              {"1000 bytes", "below everything", "reaches from"}) == "");
  CHECK(run(deploying(model, "out", "d", {"--at-most-gib", "0.01", "--context", "100"})).code == 0);
  CHECK(lacks(refused(deploying(model, "out", "e", {"--at-most-gib", "0.0001", "--context", "100000"})),
              {"key/value cache", "leaves nothing"}) == "");
  CHECK(lacks(refused(deploying(model, "out", "e", {"--at-most-bits", "9", "--context", "100"})), {"--context"}) == "");
  CHECK(lacks(refused(deploying(model, "out", "e", {"--at-most-gib", "1", "--context", "9223372036854775807"})),
              {"9223372036854775807", "make no sense"}) == "");
  CHECK(lacks(refused(deploying(model, "out", "e", {"--at-most-gib", "1e300"})), {"GiB", "make no sense"}) == "");
}

TEST_CASE("spaces that make no sense are refused before anything is measured") {
  small_model const model;
  auto const why = [&](strings more) { return refused(searching(model, "out", std::move(more))); };
  CHECK(lacks(why({"--tie", "nothing"}), {"'nothing'", "joins no two"}) == "");
  CHECK(lacks(why({"--tie", "qkv", "--keep", ".*0.*q_proj"}), {"tied layers", "different choices"}) == "");
  CHECK(lacks(why({"--formats", "3g16,9g16"}), {"'9g16'", "3g128"}) == "");
  CHECK(lacks(why({"--keep", "zzz"}), {"'zzz'", "no linear layer"}) == "");
  CHECK(lacks(why({"--keep", "("}), {"not a regular expression"}) == "");
  CHECK(lacks(why({"--target", "ggml"}), {"'ggml'", "gguf"}) == "");
  CHECK(lacks(why({"--target", "awq"}), {"awq", "cannot hold", "2g16"}) == "");
  CHECK(lacks(why({"--target", "gguf"}), {"gguf", "256"}) == "");
  CHECK(lacks(why({"--formats", "2g32,stack3", "--device", "cuda"}), {"stack3", "cuda"}) == "");
  CHECK(lacks(why({"--formats", "2g16,stack3", "--device", "cpu"}), {"stack3", "cpu"}) == "");
  CHECK(lacks(why({"--device", "tpu"}), {"tpu"}) == "");
  CHECK(lacks(why({"--precision", "f64"}), {"--precision f64", "bf16"}) == "");
  CHECK_FALSE(std::filesystem::exists(model.scratch().path() / "out"));
}
