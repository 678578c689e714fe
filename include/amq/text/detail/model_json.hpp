// The model and the added tokens of a tokenizer.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/io/json.hpp"
#include "amq/text/bpe.hpp"
#include "amq/text/detail/added_tokens.hpp"
#include "amq/text/detail/tokenizer_json.hpp"

namespace amq::detail {

inline std::vector<std::pair<std::string, std::int64_t>> read_vocabulary(tokenizer_part const& model) {
  auto const& found = model.at("vocab");
  if (!found.is_object() || found.empty()) refuse_value(model.file, "vocab", found, "an object of tokens and ids");
  std::vector<std::pair<std::string, std::int64_t>> vocabulary;
  vocabulary.reserve(found.size());
  for (auto const& [token, id] : found.items())
    vocabulary.emplace_back(token, json_value<std::int64_t>(id, "vocab", model.file));
  return vocabulary;
}

/// A merge is "a b" or, in newer files, ["a", "b"].
inline bpe::merge_text read_merge(nlohmann::json const& merge, tokenizer_part const& model) {
  if (merge.is_array() && merge.size() == 2)
    return {json_value<std::string>(merge[0], "merges", model.file),
            json_value<std::string>(merge[1], "merges", model.file)};
  auto const text = json_value<std::string>(merge, "merges", model.file);
  auto const blank = text.find(' ');
  if (blank == std::string::npos || text.find(' ', blank + 1) != std::string::npos)
    refuse_value(model.file, "merges", merge, "two tokens with a blank between");
  return {text.substr(0, blank), text.substr(blank + 1)};
}

inline std::vector<bpe::merge_text> read_merges(tokenizer_part const& model) {
  auto const& found = model.at("merges");
  if (!found.is_array()) refuse_value(model.file, "merges", found, "a list of pairs");
  std::vector<bpe::merge_text> merges;
  merges.reserve(found.size());
  for (auto const& merge : found)
    if (!merge.is_string() || !merge.get_ref<std::string const&>().starts_with("#version"))
      merges.push_back(read_merge(merge, model));
  return merges;
}

/// Files of GPT-2's time name no type; theirs is BPE, as the merges show.
inline bpe read_model(tokenizer_part const& model) {
  bool const is_bpe = (model.json.contains("merges") && !model.json.contains("type")) || model.type() == "BPE";
  if (!is_bpe) model.refuse_type("BPE");
  auto const text = [&](char const* key) { return get_or<std::string>(model.json, key, "", model.file); };
  for (auto const* const key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!text(key).empty()) model.refuse("'BPE' with " + std::string(key), "one without");
  if (get_or<double>(model.json, "dropout", 0.0, model.file) != 0.0)
    model.refuse("'BPE' with dropout", "merges that are not left to chance");
  bpe_options const options{.unknown = text("unk_token"),
                            .fuse_unknown = model.flag("fuse_unk", false),
                            .byte_fallback = model.flag("byte_fallback", false),
                            .ignore_merges = model.flag("ignore_merges", false)};
  try {
    return bpe(read_vocabulary(model), read_merges(model), options);
  } catch (input_error const& failure) {
    std::string const file = printable_path(model.file);
    std::string const what = failure.what();
    throw input_error(what.starts_with(file) ? what : file + ": " + printable(what, 300));
  }
}

/// By id. A token of the vocabulary keeps its id there; the others follow the vocabulary, one after the other, which
/// `tokenizers` does whatever the file says: a file that says otherwise is refused.
inline std::map<std::int32_t, added_token> read_added_tokens(nlohmann::json const& list, bpe const& model,
                                                             std::filesystem::path const& file) {
  std::map<std::int32_t, added_token> tokens;
  if (list.is_null()) return tokens;
  if (!list.is_array()) refuse_value(file, "added_tokens", list, "a list");
  auto next = static_cast<std::int32_t>(model.size());
  for (auto const& found : list) {
    tokenizer_part const part{found, "added token", file};
    added_token token;
    token.id = require<std::int32_t>(found, "id", file);
    token.text = token.content = part.text("content");
    token.single_word = part.flag("single_word", false);
    token.lstrip = part.flag("lstrip", false);
    token.rstrip = part.flag("rstrip", false);
    token.special = part.flag("special", false);
    token.normalized = part.flag("normalized", !token.special);
    auto const known = model.id(token.content);
    auto const expected = known ? *known : next;
    if (token.id != expected)
      throw input_error(printable_path(file) + ": the added token '" + printable(token.content) + "' has the id " +
                        std::to_string(token.id) + "; expected " + std::to_string(expected) +
                        (known ? ", its id in the vocabulary" : ", the next after the vocabulary"));
    if (!known) ++next;
    tokens[token.id] = std::move(token);
  }
  return tokens;
}

}  // namespace amq::detail
