// tokenize TOKENIZER TEXTS: reads a JSON list of texts; prints for each, a line of JSON, its ids and what they decode
// to.
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "amq/text/tokenizer.hpp"

int main(int argc, char** argv) try {
  if (argc != 3) throw amq::input_error("usage: tokenize TOKENIZER TEXTS");
  auto const tokenizer = amq::tokenizer::load(argv[1]);
  std::ifstream file(argv[2], std::ios::binary);
  std::string const texts{std::istreambuf_iterator<char>(file), {}};
  for (auto const& text : amq::parse_json(texts, argv[2])) {
    auto const ids = tokenizer.encode(text.get<std::string>());
    nlohmann::json const line{{"ids", ids}, {"text", tokenizer.decode(ids, {.skip_special = false})}};
    std::printf("%s\n", line.dump().c_str());
  }
} catch (std::exception const& failure) {
  std::fprintf(stderr, "%s\n", failure.what());
  return 1;
}
