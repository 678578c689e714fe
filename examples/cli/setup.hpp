// What several commands begin with: checked options, threads, tokens, the space of a model.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/format_check.hpp"
#include "amq/model/llama.hpp"
#include "amq/space/format_space.hpp"
#include "amq/text/tokens.hpp"
#include "options.hpp"

namespace amq::cli {

inline int threads_to_use(int asked) {
  return asked > 0 ? asked : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

inline void check_measuring(measuring const& measure) {
  if (measure.precision != "f32")
    throw input_error("--precision " + measure.precision + " is not offered; expected f32");
  if (measure.length < 2)
    throw input_error("--length " + std::to_string(measure.length) +
                      " leaves no position to compare: a sequence needs at least 2 tokens");
}

/// Tokens that the model can read, or a sentence about why not.
inline token_sequences load_checked_tokens(std::filesystem::path const& file, token_options options,
                                           llama const& model) {
  auto tokens = load_tokens(file, options);
  check_tokens(tokens, model.config().vocabulary, model.config().max_length, file);
  return tokens;
}

/// One format for each width, fewest bits first; a width given twice counts once.
inline std::vector<format> formats_of(std::vector<int> bits, int group) {
  std::sort(bits.begin(), bits.end());
  bits.erase(std::unique(bits.begin(), bits.end()), bits.end());
  std::vector<format> formats;
  for (int const width : bits) {
    check_bits(width);
    formats.push_back({width, group});
  }
  if (formats.empty()) throw input_error("--bits names no width; expected some of 2 to 8, for example --bits 2,3,4");
  return formats;
}

inline format_space space_of(llama const& model, std::vector<int> const& bits, int group) {
  auto const linears = model.linears();
  return format_space({linears.begin(), linears.end()}, formats_of(bits, group), model.other_bytes());
}

}  // namespace amq::cli
