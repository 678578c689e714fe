#include "amq/text/tokenizer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "amq/core/random.hpp"
#include "support/files.hpp"

using namespace amq_test;

namespace {

using ids = std::vector<std::int32_t>;
using json = nlohmann::json;

std::string const golden_folder = AMQ_TESTS_FOLDER "/data/text/";
std::vector<std::string> const golden_names{"llama3", "qwen", "llama2", "mistral", "metaspace", "gpt2"};

amq::tokenizer golden_tokenizer(std::string const& name) {
  return amq::tokenizer::load(golden_folder + name + ".json");
}

json golden_file(std::string const& name) { return json::parse(read_bytes(golden_folder + name + ".json")); }

amq::tokenizer of(json const& file) { return {file, "t.json"}; }

/// What is said of llama2.json with one member replaced.
std::string told(std::string const& pointer, json const& value) {
  auto file = golden_file("llama2");
  file[json::json_pointer(pointer)] = value;
  return refusal([&] { of(file); });
}

/// Letters, the blank and one added token.
json small_tokenizer(json const& added_token) {
  json vocabulary;
  int next = 0;
  for (char const c : {' ', '<', 'a', 'b', '>', '.', '_'}) vocabulary[std::string(1, c)] = next++;
  return {{"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", json::array()}}},
          {"added_tokens", {added_token}}};
}

}  // namespace

TEST_CASE("ids and texts are those of Hugging Face's tokenizers", "[text]") {
  auto const golden = golden_file("golden");
  auto const texts = golden.at("texts").get<std::vector<std::string>>();
  REQUIRE(golden.at("cases").size() == golden_names.size());
  for (auto const& name : golden_names) {
    auto const tokenizer = golden_tokenizer(name);
    auto const& expected = golden.at("cases").at(name);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      CAPTURE(name, i);
      auto const found = tokenizer.encode(texts[i]);
      CHECK(found == expected.at("ids")[i].get<ids>());
      CHECK(tokenizer.decode(found, {.skip_special = false}) == expected.at("decoded")[i].get<std::string>());
      for (auto const id : found) CHECK(id < tokenizer.vocabulary());
    }
  }
}

TEST_CASE("the template and special tokens may be left out", "[text]") {
  auto const tokenizer = golden_tokenizer("llama3");
  auto const begin = tokenizer.id("<|begin|>");
  REQUIRE(begin.has_value());
  auto const whole = tokenizer.encode("a<|end|>b");
  auto const bare = tokenizer.encode("a<|end|>b", {.with_template = false});
  REQUIRE(whole.size() == 4);
  CHECK(whole[0] == *begin);
  CHECK(ids(whole.begin() + 1, whole.end()) == bare);
  CHECK(tokenizer.decode(whole) == "ab");
  CHECK(tokenizer.decode(ids{*tokenizer.id("a"), -5, 1 << 20}) == "a");
  auto const metaspace = golden_tokenizer("metaspace");
  CHECK(metaspace.decode(metaspace.encode("a a", {.with_template = false})) == "a a");
}

TEST_CASE("expressions mean what they mean in Oniguruma", "[text]") {
  auto const normalized = [](std::string const& pattern, std::string const& text) {
    auto file = small_tokenizer({{"id", 7}, {"content", "<a>"}});
    file["normalizer"] = {{"type", "Replace"}, {"pattern", {{"Regex", pattern}}}, {"content", "."}};
    return of(file).encode(text).size();
  };
  // Every match is one token, every other letter one; what is no token is left out.
  CHECK(normalized("\\s", "a\u00a0a\u180ea\u0085a") == 6);
  CHECK(normalized("[^\\s]", "a\u180e\u00a0") == 2);
  CHECK(normalized("\\w+", "a\u0301b\u00e9_\u0661 a") == 3);
  CHECK(normalized("[\\w]+", "a\u0301b") == 1);
  CHECK(normalized("[]a]", "]ab") == 3);
  CHECK(normalized("b$", "b\nab\nba") == 5);
  CHECK(normalized("(?i:'S)", "'s'\u017fa") == 3);
}

TEST_CASE("added tokens heed their neighbours", "[text]") {
  auto const encoded = [](json options, std::string const& text) {
    options.update({{"id", 7}, {"content", "<a>"}});
    return of(small_tokenizer(options)).encode(text);
  };
  CHECK(encoded(json::object(), "b<a>.") == ids{3, 7, 5});
  CHECK(encoded({{"single_word", true}}, "b<a>.") == ids{3, 1, 2, 4, 5});
  CHECK(encoded({{"single_word", true}}, ".<a>_") == ids{5, 1, 2, 4, 6});
  CHECK(encoded({{"single_word", true}}, ".<a> ") == ids{5, 7, 0});
  CHECK(encoded({{"lstrip", true}}, "b  <a> .") == ids{3, 7, 0, 5});
  CHECK(encoded({{"rstrip", true}}, "b <a>  <a> .") == ids{3, 0, 7, 7, 5});
}

TEST_CASE("a tokenizer's parts that are not known are refused by name", "[text]") {
  CHECK(lacks(told("/model/type", "Unigram"), {"t.json: the model 'Unigram' is not known", "expected BPE"}) == "");
  CHECK(lacks(told("/normalizer", {{"type", "BertNormalizer"}}), {"the normalizer 'BertNormalizer'"}) == "");
  CHECK(lacks(told("/pre_tokenizer", {{"type", "Whitespace"}}), {"the pre_tokenizer 'Whitespace'"}) == "");
  CHECK(lacks(told("/decoder", {{"type", "WordPiece"}}), {"the decoder 'WordPiece'"}) == "");
  CHECK(lacks(told("/post_processor", {{"type", "RobertaProcessing"}}), {"the post_processor 'RobertaProcessing'"}) ==
        "");
  CHECK(lacks(told("/model/dropout", 0.1), {"'BPE' with dropout"}) == "");
  CHECK(lacks(told("/model/end_of_word_suffix", "</w>"), {"'BPE' with end_of_word_suffix"}) == "");
}

TEST_CASE("a malformed tokenizer is refused with its file and the place", "[text]") {
  CHECK(lacks(told("/model/vocab", json::array()), {"t.json: 'vocab' is []"}) == "");
  CHECK(lacks(told("/model/vocab/a", "x"), {"'vocab' is \"x\"", "expected an integer"}) == "");
  CHECK(lacks(told("/model/merges/0", "a b c"), {"'merges' is \"a b c\"", "two tokens"}) == "");
  CHECK(lacks(told("/model/merges/0", {"a", "\n"}), {"t.json: merge 0", "not in the vocabulary"}) == "");
  CHECK(lacks(told("/added_tokens/0/id", 5), {"added token '<unk>' has the id 5; expected 0"}) == "");
  CHECK(lacks(told("/post_processor/special_tokens", json::object()), {"an entry for '<s>'"}) == "");
  CHECK(lacks(told("/post_processor/single", json::array()), {"special tokens around one text"}) == "");
  CHECK(lacks(told("/normalizer", "NFC"), {"normalizer \"NFC\" lacks the key 'type'"}) == "");
  auto const split = [](std::string const& pattern) {
    return json{{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  };
  CHECK(lacks(told("/pre_tokenizer", split("(a")), {"'(a' is not understood by PCRE2", "parenthesis"}) == "");
  CHECK(lacks(told("/pre_tokenizer", split("[a[b]]")), {"a set within a set"}) == "");
  CHECK(lacks(told("/pre_tokenizer", split("[a&&b]")), {"an intersection of sets"}) == "");
  CHECK(lacks(told("/pre_tokenizer", split("\\h")), {"the escape \\h"}) == "");
  json deep = split("a");
  for (int i = 0; i < 50; ++i) deep = {{"type", "Sequence"}, {"pretokenizers", json::array({std::move(deep)})}};
  CHECK(lacks(told("/pre_tokenizer", deep), {"Sequence, nested so deep"}) == "");
}

TEST_CASE("texts that are no UTF-8, or that no expression gets through, are refused", "[text]") {
  auto const tokenizer = golden_tokenizer("llama3");
  for (std::string const bad : {"\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xaf"})
    CHECK(lacks(refusal([&] { tokenizer.encode("ab" + bad); }), {"not UTF-8 at byte 2"}) == "");
  auto file = golden_file("llama3");
  file["pre_tokenizer"] = {
      {"type", "Split"}, {"pattern", {{"Regex", "(a+)+[bc]"}}}, {"behavior", "Isolated"}, {"invert", false}};
  CHECK(lacks(refusal([&] { of(file).encode(std::string(5000, 'a')); }), {"gave up at byte 0"}) == "");
}

TEST_CASE("damaged files end as a sentence or as another tokenizer", "[text]") {
  amq::random_stream random(11);
  std::string const whole = read_bytes(golden_folder + "qwen.json");
  int refused = 0;
  for (int i = 0; i < 150; ++i) {
    std::string damaged = whole;
    for (int edits = 0; edits < 3; ++edits)
      damaged[static_cast<std::size_t>(random.below(std::ssize(damaged)))] = "{}[]\",:0a\x80"[random.below(10)];
    try {
      of(amq::parse_json(damaged, "t.json")).encode("it's 1 text");
    } catch (amq::input_error const&) {
      ++refused;
    }
  }
  CHECK(refused > 75);
}

TEST_CASE("real tokenizers give the ids that their models were trained on", "[text]") {
  std::string const data = AMQ_TEST_DATA;
  if (data.empty()) {
    WARN("skipped: the texts and tokenizers are in AMQ_TEST_DATA, which is not set");
    return;
  }
  std::string const text = read_bytes(data + "/data/text/tinystories.valid200.txt");
  for (std::string const name : {"babyllama105", "babyllama361", "stories260K"}) {
    auto const tokenizer = amq::tokenizer::load(data + "/data/models/" + name);
    ids found;
    for (std::size_t at = 0; at < text.size();) {
      auto const end = std::min(text.find("<|endoftext|>", at), text.size());
      // Each story without the white space around it, and with one blank or line end where there were several.
      std::string story;
      for (char const c : text.substr(at, end - at))
        if ((c != ' ' && c != '\n') || (!story.empty() && story.back() != c)) story += c;
      while (!story.empty() && (story.back() == ' ' || story.back() == '\n')) story.pop_back();
      while (!story.empty() && (story.front() == ' ' || story.front() == '\n')) story.erase(0, 1);
      if (!story.empty()) {
        auto const tokens = tokenizer.encode(story);
        found.insert(found.end(), tokens.begin(), tokens.end());
      }
      at = end + std::string("<|endoftext|>").size();
    }
    std::string bytes;
    for (auto const id : found) bytes += bytes_of(static_cast<std::uint16_t>(id));
    CHECK((bytes == read_bytes(data + "/data/tokens/tinystories.valid200." + name + ".u16")));
  }
}
