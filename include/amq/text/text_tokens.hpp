// Tokens from texts: a file of words, a tokenizer, and the sequences that a model reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/json.hpp"
#include "amq/io/memory_map.hpp"
#include "amq/text/detail/utf8.hpp"
#include "amq/text/tokenizer.hpp"
#include "amq/text/tokens.hpp"

namespace amq {

/// As `load_tokens(path, options)`, and `.txt`: the whole file, byte for byte as it is (line ends too), becomes one
/// flat stream of tokens with the tokenizer's template around it, so its token for the beginning comes once, and the
/// stream is cut like a flat file. Throws input_error also where the text is not UTF-8. O(text).
inline token_sequences load_tokens(std::filesystem::path const& path, token_options options,
                                   tokenizer const& text_tokenizer) {
  if (path.extension() != ".txt") return load_tokens(path, options);
  detail::check_options(options, path);
  mapped_file const mapped(path, "a text");
  std::string_view const text(reinterpret_cast<char const*>(mapped.bytes().data()), mapped.bytes().size());
  if (auto const at = detail::first_invalid(text); at != std::string_view::npos)
    throw input_error(detail::printable_path(path) + " is not UTF-8 at byte " + std::to_string(at) +
                      "; expected a text in UTF-8");
  auto const ids = text_tokenizer.encode(text);
  auto const at = [&](index i) { return std::int64_t{ids[static_cast<std::size_t>(i)]}; };
  return detail::select_tokens({0, static_cast<index>(ids.size()), at}, options, path);
}

/// The tokenizer of a model's folder. Throws input_error where it has ids that the model has not, by its `vocab_size`.
inline tokenizer load_model_tokenizer(std::filesystem::path const& model_folder) {
  auto loaded = tokenizer::load(model_folder / "tokenizer.json");
  auto const config = model_folder / "config.json";
  auto const vocabulary = require<index>(load_json(config), "vocab_size", config);
  if (loaded.vocabulary() > vocabulary)
    throw input_error(detail::printable_path(model_folder / "tokenizer.json") + " has ids up to " +
                      std::to_string(loaded.vocabulary() - 1) + "; expected ids below the model's vocabulary of " +
                      std::to_string(vocabulary) + ": this tokenizer belongs to another model");
  return loaded;
}

/// Token ids as `load_tokens(path, options)` reads them, or a `.txt` through the tokenizer of the model's folder.
inline token_sequences load_any_tokens(std::filesystem::path const& path, token_options options,
                                       std::filesystem::path const& model_folder) {
  if (path.extension() != ".txt") return load_tokens(path, options);
  return load_tokens(path, options, load_model_tokenizer(model_folder));
}

}  // namespace amq
