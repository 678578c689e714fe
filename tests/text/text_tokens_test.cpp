#include "amq/text/text_tokens.hpp"

#include "support/files.hpp"

using namespace amq_test;

namespace {

/// Reads letters a to d as ids 1 to 4, with id 0 before every text.
char const* const letters = R"({"model": {"type": "BPE", "vocab": {"<s>": 0, "a": 1, "b": 2, "c": 3, "d": 4},
  "merges": []}, "added_tokens": [{"id": 0, "content": "<s>", "special": true}],
  "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
  "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}}})";

}  // namespace

TEST_CASE("a text becomes one stream with its template once, cut like a flat file", "[text]") {
  scratch_folder const folder;
  auto const path = folder.write("words.txt", "abcdabc");
  folder.write("tokenizer.json", letters);
  folder.write("config.json", R"({"vocab_size": 5})");
  auto const tokens = amq::load_any_tokens(path, {.sequences = 2, .sequence_length = 3}, folder.path());
  REQUIRE(tokens.count() == 2);
  CHECK(std::vector<std::int32_t>(tokens.sequence(0).begin(), tokens.sequence(0).end()) == std::vector{0, 1, 2});
  CHECK(std::vector<std::int32_t>(tokens.sequence(1).begin(), tokens.sequence(1).end()) == std::vector{4, 1, 2});
}

TEST_CASE("token files need no tokenizer", "[text]") {
  scratch_folder const folder;
  auto const path = folder.write("a.u16", bytes_of(std::uint16_t{7}) + bytes_of(std::uint16_t{8}));
  auto const tokens = amq::load_any_tokens(path, {.sequences = 1, .sequence_length = 2}, folder.path() / "none");
  CHECK(tokens.sequence(0)[1] == 8);
}

TEST_CASE("a tokenizer of another model and texts that are none are refused", "[text]") {
  scratch_folder const folder;
  auto const told = [&](std::filesystem::path const& path, amq::token_options options = {1, 1}) {
    return refusal([&] { amq::load_any_tokens(path, options, folder.path()); });
  };
  auto const words = folder.write("words.txt", "abc");
  CHECK(lacks(told(words), {"tokenizer.json", "expected a JSON file"}) == "");
  folder.write("tokenizer.json", letters);
  folder.write("config.json", R"({"vocab_size": 4})");
  CHECK(lacks(told(words), {"tokenizer.json has ids up to 4", "vocabulary of 4", "another model"}) == "");
  folder.write("config.json", R"({"vocab_size": 32})");
  CHECK(lacks(told(words, {2, 3}), {"words.txt holds 4 tokens", "2 sequences of 3 tokens"}) == "");
  CHECK(lacks(told(words, {0, 3}), {"sequences = 0"}) == "");
  CHECK(lacks(told(folder.write("bad.txt", "ab\xe4")), {"bad.txt is not UTF-8 at byte 2"}) == "");
  CHECK(lacks(told(folder.write("empty.txt", "")), {"empty.txt is empty", "a text"}) == "");
}
