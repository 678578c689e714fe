// From tokens back to text: ByteLevel, ByteFallback, Fuse, Strip, Replace and Metaspace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/text/detail/byte_alphabet.hpp"
#include "amq/text/detail/normalizer.hpp"
#include "amq/text/detail/tokenizer_json.hpp"
#include "amq/text/detail/utf8.hpp"

namespace amq::detail {

using token_texts = std::vector<std::string>;

inline std::string joined(token_texts const& texts, std::string_view between = "") {
  std::string all;
  for (std::size_t i = 0; i < texts.size(); ++i) all.append(i == 0 ? "" : between).append(texts[i]);
  return all;
}

/// The byte that a token such as `<0x0A>` stands for.
inline std::optional<char> fallback_byte(std::string_view token) {
  auto const digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return std::nullopt;
  if (digit(token[3]) < 0 || digit(token[4]) < 0) return std::nullopt;
  return static_cast<char>(static_cast<unsigned char>(16 * digit(token[3]) + digit(token[4])));
}

/// Runs of byte tokens become the text they spell, or one U+FFFD a byte where they spell none.
inline void decode_byte_fallback(token_texts& tokens) {
  token_texts texts;
  std::string bytes;
  auto const flush = [&] {
    if (first_invalid(bytes) == std::string::npos) {
      if (!bytes.empty()) texts.push_back(bytes);
    } else {
      for (std::size_t i = 0; i < bytes.size(); ++i) texts.push_back("\xEF\xBF\xBD");
    }
    bytes.clear();
  };
  for (auto& token : tokens) {
    if (auto const byte = fallback_byte(token)) {
      bytes += *byte;
    } else {
      flush();
      texts.push_back(std::move(token));
    }
  }
  flush();
  tokens = std::move(texts);
}

/// All tokens become one text; one that has characters of another alphabet stands as it is.
inline void decode_byte_level(token_texts& tokens, byte_alphabet const& alphabet) {
  std::string bytes;
  for (auto const& token : tokens) bytes += alphabet.decoded(token).value_or(token);
  tokens = {replace_invalid(bytes)};
}

/// Takes up to `start` and `stop` copies of `content` off every token's ends.
inline void strip_tokens(token_texts& tokens, std::string const& content, std::int64_t start, std::int64_t stop) {
  for (auto& token : tokens) {
    for (std::int64_t i = 0; i < start && token.starts_with(content); ++i) token.erase(0, content.size());
    for (std::int64_t i = 0; i < stop && token.ends_with(content); ++i) token.erase(token.size() - content.size());
  }
}

/// The replacement becomes a blank, or nothing in the first token where one was prepended.
inline void decode_metaspace(token_texts& tokens, std::string const& replacement, bool prepended) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::string text;
    std::string_view rest = tokens[i];
    for (std::size_t at; (at = rest.find(replacement)) != std::string_view::npos;) {
      text.append(rest.substr(0, at)).append(i == 0 && prepended ? "" : " ");
      rest.remove_prefix(at + replacement.size());
    }
    tokens[i] = text.append(rest);
  }
}

/// All steps, in order.
class decoder {
 public:
  decoder() = default;
  explicit decoder(tokenizer_part const& part) {
    for_each_part(part, "decoders", [&](tokenizer_part const& inner) { steps_.push_back(read(inner)); });
  }

  /// Without any step tokens are joined by blanks.
  std::string operator()(token_texts tokens) const {
    for (auto const& step : steps_) step(tokens);
    return joined(tokens, steps_.empty() ? " " : "");
  }

 private:
  using any_step = std::function<void(token_texts&)>;

  static any_step read(tokenizer_part const& part) {
    std::string const type = part.type();
    if (type == "ByteLevel")
      return [alphabet = byte_alphabet()](token_texts& tokens) { decode_byte_level(tokens, alphabet); };
    if (type == "ByteFallback") return decode_byte_fallback;
    if (type == "Fuse") return [](token_texts& tokens) { tokens = {joined(tokens)}; };
    if (type == "Replace")
      return [replace = replaced_text{read_pattern(part), part.text("content")}](token_texts& tokens) {
        for (auto& token : tokens) replace(token);
      };
    if (type == "Strip") return read_strip(part);
    if (type == "Metaspace") return read_metaspace(part);
    part.refuse_type("Sequence, ByteLevel, ByteFallback, Fuse, Strip, Replace or Metaspace");
  }

  static any_step read_strip(tokenizer_part const& part) {
    std::string const content = non_empty(part, "content");
    auto const start = require<std::int64_t>(part.json, "start", part.file);
    auto const stop = require<std::int64_t>(part.json, "stop", part.file);
    return [=](token_texts& tokens) { strip_tokens(tokens, content, start, stop); };
  }

  static any_step read_metaspace(tokenizer_part const& part) {
    std::string const replacement = non_empty(part, "replacement");
    bool const prepended = part.flag("add_prefix_space", true) &&
                           get_or<std::string>(part.json, "prepend_scheme", "always", part.file) != "never";
    return [=](token_texts& tokens) { decode_metaspace(tokens, replacement, prepended); };
  }

  static std::string non_empty(tokenizer_part const& part, std::string const& key) {
    std::string text = part.text(key);
    if (text.empty()) refuse_value(part.file, key, text, "a character");
    return text;
  }

  std::vector<any_step> steps_;
};

}  // namespace amq::detail
