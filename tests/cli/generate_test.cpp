// A model that writes, from the command line.
#include <nlohmann/json.hpp>

#include "support/packed_embedded.hpp"
#include "support/program.hpp"
#include "support/small_model.hpp"

using namespace amq_test;
using json = nlohmann::json;

TEST_CASE("the embedded model writes a paragraph at 3 bits, the same for the same seed") {
  packed_embedded const packed([](auto const&) {});
  std::string const folder = packed.folder.path().string();
  auto const write = [&](std::string const& seed) {
    return run({"generate", folder, "--prompt", "Once upon a time", "--tokens", "120", "--temperature", "0.8",
                "--top-k", "40", "--top-p", "0.95", "--seed", seed});
  };
  auto const first = write("3");
  INFO(first.err);
  REQUIRE(first.code == 0);
  CHECK(first.out.starts_with("Once upon a time"));
  CHECK(first.out.size() > 200);
  CHECK(lacks(first.err, {"read ", "wrote on at", "MB of weights"}) == "");
  CHECK(write("3").out == first.out);
  CHECK(write("4").out != first.out);
}

TEST_CASE("several prompts are printed one after the other, and as JSON with their tokens and figures") {
  std::string const folder = embedded_model().string();
  auto const texts = run({"generate", folder, "--prompt", "The king", "--prompt", "A dog and", "--tokens", "8"});
  REQUIRE(texts.code == 0);
  auto const made =
      run({"generate", folder, "--prompt", "The king", "--prompt", "A dog and", "--tokens", "8", "--json"});
  REQUIRE(made.code == 0);
  auto const figures = json::parse(made.out);
  REQUIRE(figures["texts"].size() == 2);
  CHECK(figures["texts"][1]["tokens"].size() == 8);
  CHECK(figures["texts"][1]["end"] == "enough");
  CHECK(figures["decoded_tokens"] == 14);
  CHECK(texts.out == figures["texts"][0]["text"].get<std::string>() + "\n\n" +
                         figures["texts"][1]["text"].get<std::string>() + "\n");
}

TEST_CASE("generate refuses what it cannot do in a sentence") {
  std::string const folder = embedded_model().string();
  small_model const without_tokenizer;
  CHECK(lacks(refused({"generate", folder}), {"--prompt"}) == "");
  CHECK(lacks(refused({"generate", folder, "--prompt", ""}), {"empty"}) == "");
  CHECK(lacks(refused({"generate", folder, "--prompt", "\xFF"}), {"not UTF-8"}) == "");
  CHECK(lacks(refused({"generate", folder, "--prompt", "x", "--tokens", "0"}), {"--tokens"}) == "");
  CHECK(lacks(refused({"generate", folder, "--prompt", "x", "--top-p", "2"}), {"top-p is 2"}) == "");
  CHECK(lacks(refused({"generate", folder, "--prompt", "x", "--precision", "f64"}), {"f64", "bf16"}) == "");
  CHECK(lacks(refused({"generate", without_tokenizer.path(), "--prompt", "x"}), {"tokenizer.json"}) == "");
  CHECK(lacks(refused({"generate", without_tokenizer.scratch().path().string(), "--prompt", "x"}), {"config.json"}) ==
        "");
}
