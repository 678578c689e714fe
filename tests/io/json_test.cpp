#include "amq/io/json.hpp"

#include <cmath>

#include "support/files.hpp"

using namespace amq_test;

namespace {

nlohmann::json parsed(std::string const& text) { return amq::parse_json(text, "config.json"); }

std::string parse_refusal(std::string const& text) {
  return refusal([&] { parsed(text); });
}

}  // namespace

TEST_CASE("a syntax error is named with its line", "[io]") {
  CHECK(lacks(parse_refusal("{\"a\": 1,\n \"b\": }"), {"config.json is not valid JSON", "line 2"}) == "");
  CHECK(lacks(parse_refusal(""), {"config.json is not valid JSON"}) == "");
  CHECK(lacks(parse_refusal("{} x"), {"config.json is not valid JSON"}) == "");
  CHECK(lacks(parse_refusal("{\"a\": 1e999}"), {"config.json is not valid JSON"}) == "");
  CHECK(lacks(parse_refusal("{\"a\": \"\xff\"}"), {"config.json is not valid JSON"}) == "");
}

TEST_CASE("values nested so deep that showing them would exhaust the stack are refused", "[io]") {
  auto const nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  CHECK(parsed(nested(200)).size() == 1);
  CHECK(lacks(parse_refusal(nested(201)), {"config.json is nested more than 200 levels deep"}) == "");
  CHECK(lacks(parse_refusal(nested(1000000)), {"more than 200 levels"}) == "");
  CHECK(parsed("[" + nested(199) + "," + nested(199) + "]").size() == 2);
}

TEST_CASE("a key given twice is refused, at any depth", "[io]") {
  CHECK(lacks(parse_refusal("{\"a\": {\"b\": 1, \"b\": 2}}"), {"config.json", "the key 'b' twice"}) == "");
  CHECK(parsed("{\"a\": {\"b\": 1}, \"b\": 2}")["b"] == 2);
}

TEST_CASE("a JSON file must be there and hold an object", "[io]") {
  scratch_folder const folder;
  CHECK(amq::load_json(folder.write("good.json", "{\"a\": 3}"))["a"] == 3);
  CHECK(lacks(refusal([&] { amq::load_json(folder.path() / "none.json"); }), {"none.json", "No such file"}) == "");
  CHECK(lacks(refusal([&] { amq::load_json(folder.write("list.json", "[1]")); }),
              {"list.json", "expected a JSON object"}) == "");
}

TEST_CASE("a value of the wrong type says what it is and what it should be", "[io]") {
  auto const object = parsed(R"({"i": 3, "f": 2.5, "s": "text", "b": true, "n": null, "big": 18446744073709551615})");
  CHECK(amq::require<int>(object, "i", "c.json") == 3);
  CHECK(amq::require<double>(object, "i", "c.json") == 3.0);
  CHECK(amq::require<std::string>(object, "s", "c.json") == "text");
  CHECK(amq::require<bool>(object, "b", "c.json"));
  CHECK(amq::require<std::uint64_t>(object, "big", "c.json") == 18446744073709551615u);
  auto const as_integer = [&](std::string const& key) {
    return refusal([&] { amq::require<int>(object, key, "c.json"); });
  };
  CHECK(lacks(as_integer("f"), {"c.json: 'f' is 2.5", "expected an integer"}) == "");
  CHECK(lacks(as_integer("s"), {"'s' is \"text\"", "expected an integer"}) == "");
  CHECK(lacks(as_integer("b"), {"'b' is true", "expected an integer"}) == "");
  CHECK(lacks(as_integer("n"), {"'n' is null", "expected an integer"}) == "");
  CHECK(lacks(as_integer("big"), {"'big' is 18446744073709551615", "expected an integer"}) == "");
  CHECK(lacks(as_integer("none"), {"c.json lacks the key 'none'", "expected an integer"}) == "");
  CHECK(lacks(refusal([&] { amq::require<bool>(object, "i", "c.json"); }), {"expected true or false"}) == "");
  CHECK(lacks(refusal([&] { amq::require<std::string>(object, "i", "c.json"); }), {"expected a string"}) == "");
}

TEST_CASE("absent and null keys take the default, wrong types do not", "[io]") {
  auto const object = parsed(R"({"n": null, "s": "text"})");
  CHECK(amq::get_or(object, "none", 7, "c.json") == 7);
  CHECK(amq::get_or(object, "n", 7, "c.json") == 7);
  CHECK(lacks(refusal([&] { amq::get_or(object, "s", 7, "c.json"); }), {"'s'", "expected an integer"}) == "");
}

TEST_CASE("a value out of its range says the range", "[io]") {
  CHECK(amq::expect_between(5, 1, 5, "k", "c.json") == 5);
  CHECK(lacks(refusal([] { amq::expect_between(6, 1, 5, "k", "c.json"); }), {"c.json: 'k' is 6", "from 1 to 5"}) == "");
  CHECK(lacks(refusal([] { amq::expect_between(std::nan(""), 1.0, 5.0, "k", "c.json"); }),
              {"'k' is", "from 1.0 to 5.0"}) == "");
}
