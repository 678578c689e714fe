// Hugging Face's tokenizer.json: text to token ids and back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/io/json.hpp"
#include "amq/text/bpe.hpp"
#include "amq/text/detail/added_tokens.hpp"
#include "amq/text/detail/decoder.hpp"
#include "amq/text/detail/model_json.hpp"
#include "amq/text/detail/normalizer.hpp"
#include "amq/text/detail/pre_tokenizer.hpp"
#include "amq/text/detail/template.hpp"

namespace amq {

struct encode_options {
  bool with_template = true;  ///< the tokens that the post-processor adds, such as one for the beginning
};

struct decode_options {
  bool skip_special = true;  ///< leaves out special tokens
};

/// A byte-level or SentencePiece-style BPE tokenizer with the ids of Hugging Face's `tokenizers` (0.23): added tokens
/// are taken out, the rest is normalized, cut into words and merged, and the template's tokens are put around it.
/// `truncation` and `padding` of the file are not heeded: they belong to batches. Immutable; may be shared by threads.
class tokenizer {
 public:
  /// `path`: a tokenizer.json or the folder that has one. Throws input_error for a file that is missing or malformed,
  /// and for parts that amq does not know, by their names.
  static tokenizer load(std::filesystem::path const& path) {
    std::error_code unknown;
    auto const file = std::filesystem::is_directory(path, unknown) ? path / "tokenizer.json" : path;
    return tokenizer(load_json(file), file);
  }

  /// `file` names the source in messages.
  tokenizer(nlohmann::json const& json, std::filesystem::path const& file)
      : model_(detail::read_model({member(json, "model"), "model", file})),
        normalize_({member(json, "normalizer"), "normalizer", file}),
        words_({member(json, "pre_tokenizer"), "pre_tokenizer", file}),
        decode_({member(json, "decoder"), "decoder", file}),
        template_({member(json, "post_processor"), "post_processor", file}) {
    added_ = detail::read_added_tokens(member(json, "added_tokens"), model_, file);
    std::vector<detail::added_token> plain;
    std::vector<detail::added_token> normalized;
    for (auto& [id, token] : added_) {
      if (token.normalized) token.text = normalize_(token.content);
      (token.normalized ? normalized : plain).push_back(token);
    }
    plain_ = detail::added_token_finder(std::move(plain));
    normalized_ = detail::added_token_finder(std::move(normalized));
  }

  /// Token ids of a text. Throws input_error where it is not UTF-8. O(length log length) at worst.
  std::vector<std::int32_t> encode(std::string_view text, encode_options options = {}) const {
    if (auto const at = detail::first_invalid(text); at != std::string_view::npos)
      throw input_error("the text is not UTF-8 at byte " + std::to_string(at) + "; expected UTF-8");
    std::vector<std::int32_t> ids;
    if (options.with_template) ids = template_.before();
    bpe::word_cache cache;
    auto const add = [&](std::int32_t id) { ids.push_back(id); };
    auto const encode_piece = [&](std::size_t begin, std::size_t end) {
      std::string const piece = normalize_(text.substr(begin, end - begin));
      auto const encode_words = [&](std::size_t from, std::size_t to) {
        words_.for_each_word(std::string_view(piece).substr(from, to - from), begin == 0 && from == 0,
                             [&](std::string_view word) { model_.encode(word, ids, cache); });
      };
      normalized_.split(piece, encode_words, add);
    };
    plain_.split(text, encode_piece, add);
    if (options.with_template) ids.insert(ids.end(), template_.after().begin(), template_.after().end());
    return ids;
  }

  /// The text of token ids; ids without a token stand for nothing. Bytes that are no UTF-8 become U+FFFD.
  std::string decode(std::span<std::int32_t const> ids, decode_options options = {}) const {
    std::vector<std::string> tokens;
    for (std::int32_t const id : ids) {
      auto const added = added_.find(id);
      if (added != added_.end()) {
        if (!added->second.special || !options.skip_special) tokens.push_back(added->second.text);
      } else if (id >= 0 && static_cast<std::size_t>(id) < model_.id_end()) {
        tokens.push_back(model_.token(static_cast<std::size_t>(id)));
      }
    }
    return decode_(std::move(tokens));
  }

  /// The id of a token by its own spelling, as in the file.
  std::optional<std::int32_t> id(std::string_view token) const {
    for (auto const& [id, added] : added_)
      if (added.content == token) return id;
    return model_.id(token);
  }

  /// 1 + the greatest id that `encode` may give.
  index vocabulary() const {
    auto end = static_cast<index>(model_.id_end());
    if (!added_.empty()) end = std::max(end, index{added_.rbegin()->first} + 1);
    for (auto const& ids : {template_.before(), template_.after()})
      for (auto const id : ids) end = std::max(end, index{id} + 1);
    return end;
  }

 private:
  static nlohmann::json const& member(nlohmann::json const& json, char const* key) {
    static nlohmann::json const absent;
    return json.contains(key) ? json.at(key) : absent;
  }

  bpe model_;
  detail::normalizer normalize_;
  detail::pre_tokenizer words_;
  detail::decoder decode_;
  detail::token_template template_;
  std::map<std::int32_t, detail::added_token> added_;
  detail::added_token_finder plain_;
  detail::added_token_finder normalized_;
};

}  // namespace amq
