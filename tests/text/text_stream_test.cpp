#include "amq/text/text_stream.hpp"

#include "support/catch.hpp"

namespace {

amq::tokenizer embedded() { return amq::tokenizer::load(AMQ_SOURCE_FOLDER "/examples/models/tiny"); }

}  // namespace

TEST_CASE("pieces of a stream are whole characters, and together the text", "[text]") {
  auto const words = embedded();
  std::string const text = "Hello, w\xC3\xB6rld \xE2\x82\xAC \xF0\x9F\x98\x80! And so on, and so on.";
  auto const tokens = words.encode(text, {.with_template = false});
  REQUIRE(tokens.size() > 10);
  amq::text_stream stream(words);
  std::string all;
  bool waited = false;
  for (auto const token : tokens) {
    auto const piece = stream.add(token);
    waited |= piece.empty();
    CHECK(amq::detail::first_invalid(piece) == std::string::npos);
    all += piece;
  }
  CHECK(waited);
  CHECK(all + stream.finish() == text);
}

TEST_CASE("a stream says what follows the tokens before it, and at the end what is no text", "[text]") {
  auto const words = embedded();
  std::string const text = "Once upon a time, there was a little dog. \xE2\x82\xAC";
  auto const tokens = words.encode(text, {.with_template = false});
  std::span<std::int32_t const> const all(tokens);
  amq::text_stream stream(words, all.first(4));
  std::string said = words.decode(all.first(4));
  for (auto const token : all.subspan(4, all.size() - 5)) said += stream.add(token);
  CHECK(said == "Once upon a time, there was a little dog. ");
  CHECK(stream.finish() == "\xEF\xBF\xBD");
}
