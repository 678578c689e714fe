#include "amq/text/bpe.hpp"

#include <algorithm>

#include "amq/core/random.hpp"
#include "support/files.hpp"

using namespace amq_test;

namespace {

using ids = std::vector<std::int32_t>;

ids encoded(amq::bpe const& model, std::string const& word) {
  ids found;
  amq::bpe::word_cache cache;
  model.encode(word, found, cache);
  return found;
}

/// The definition, letter by letter: of all places where a merge applies, the first in the list, then the leftmost.
ids merged_plainly(std::string const& word, std::vector<amq::bpe::merge_text> const& merges, amq::bpe const& model) {
  std::vector<std::string> parts;
  for (char const c : word) parts.emplace_back(1, c);
  for (std::size_t rank = 0; rank < merges.size();) {
    auto const applies = [&](std::size_t i) {
      return parts[i] == merges[rank].first && parts[i + 1] == merges[rank].second;
    };
    std::size_t at = 0;
    while (at + 1 < parts.size() && !applies(at)) ++at;
    if (at + 1 >= parts.size()) {
      ++rank;
      continue;
    }
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    rank = 0;
  }
  ids found;
  for (auto const& part : parts) found.push_back(*model.id(part));
  return found;
}

}  // namespace

TEST_CASE("merges apply in the order of the list, the leftmost first", "[text]") {
  amq::bpe const model({{"a", 0}, {"b", 1}, {"ab", 2}, {"aa", 3}, {"aab", 4}}, {{"a", "b"}, {"a", "a"}, {"a", "ab"}});
  CHECK(encoded(model, "aab") == ids{4});
  CHECK(encoded(model, "aaab") == ids{3, 2});
  CHECK(encoded(model, "aaa") == ids{3, 0});
  CHECK(encoded(model, "") == ids{});
}

TEST_CASE("words of any length merge as the definition says, cut, cached or not", "[text]") {
  std::vector<std::pair<std::string, std::int64_t>> vocabulary;
  for (char c = 'a'; c < 'h'; ++c) vocabulary.emplace_back(std::string(1, c), c - 'a');
  std::vector<amq::bpe::merge_text> merges;
  amq::random_stream random(3);
  auto const any = [&] { return vocabulary[static_cast<std::size_t>(random.below(std::ssize(vocabulary)))]; };
  while (merges.size() < 40) {
    // Letters of the upper half join none of the lower: words fall apart between them.
    auto const left = any().first;
    auto const right = any().first;
    bool const is_new =
        std::none_of(vocabulary.begin(), vocabulary.end(), [&](auto const& v) { return v.first == left + right; });
    if (!is_new || (left.back() < 'd') != (right.front() < 'd') || left.size() + right.size() > 6) continue;
    vocabulary.emplace_back(left + right, static_cast<std::int64_t>(vocabulary.size()));
    merges.emplace_back(left, right);
  }
  amq::bpe const model(vocabulary, merges);
  amq::bpe::word_cache cache;
  for (std::size_t const length : {1u, 2u, 5u, 63u, 64u, 65u, 300u})
    for (int repeat = 0; repeat < 10; ++repeat) {
      std::string word;
      while (word.size() < length) word += static_cast<char>('a' + random.below(repeat < 5 ? 7 : 2));
      ids found;
      model.encode(word, found, cache);
      CHECK(found == merged_plainly(word, merges, model));
    }
}

TEST_CASE("what has no token is unknown, fused or not, or its bytes, or left out", "[text]") {
  std::vector<std::pair<std::string, std::int64_t>> const vocabulary{
      {"?", 0}, {"a", 1}, {"<0xC3>", 2}, {"<0xA9>", 3}, {"<0x00>", 4}, {"ab", 5}, {"b", 6}};
  std::string const word = "xya\xC3\xA9\xE2\x82\xAC";
  CHECK(encoded({vocabulary, {}, {.unknown = "?", .fuse_unknown = true, .byte_fallback = true}}, word) ==
        ids{0, 1, 2, 3, 0});
  CHECK(encoded({vocabulary, {}, {.unknown = "?"}}, word) == ids{0, 0, 1, 0, 0});
  CHECK(encoded({vocabulary, {}}, word) == ids{1});
  CHECK(encoded({vocabulary, {}, {.ignore_merges = true}}, "ab") == ids{5});
  CHECK(encoded({vocabulary, {}}, "ab") == ids{1, 6});
}

TEST_CASE("vocabularies and merges that do not fit are refused", "[text]") {
  using vocabulary = std::vector<std::pair<std::string, std::int64_t>>;
  auto const told = [](vocabulary const& tokens, std::vector<amq::bpe::merge_text> const& merges,
                       amq::bpe_options options) {
    return refusal([&] { amq::bpe(tokens, merges, std::move(options)); });
  };
  CHECK(lacks(told({{"a", -1}}, {}, {}), {"'a' has the id -1", "expected ids from 0"}) == "");
  CHECK(lacks(told({{"a", 1LL << 40}}, {}, {}), {"'a' has the id 1099511627776"}) == "");
  CHECK(lacks(told({{"a", 3}, {"b", 3}}, {}, {}), {"the id 3 is given to 'a' and to 'b'"}) == "");
  CHECK(lacks(told({{"a", 0}, {"b", 1}}, {{"a", "b"}}, {}), {"merge 0", "needs the token 'ab'"}) == "");
  CHECK(lacks(told({{"a", 0}, {"", 1}}, {{"", "a"}}, {}), {"merge 0"}) == "");
  CHECK(lacks(told({{"a", 0}}, {}, {.unknown = "u"}), {"unknown token 'u' is not in the vocabulary"}) == "");
}
