// Tokens in, text out as soon as it is certain: pieces are whole UTF-8 characters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "amq/text/tokenizer.hpp"

namespace amq {

/// A tokenizer may need several tokens for one character, and the first token of a text may read otherwise than the
/// same one further on; so a piece is what a few tokens say more than all but the last of them. The pieces together are
/// the text. Keeps a reference to the tokenizer.
class text_stream {
 public:
  /// `before`: the tokens that the text follows; they are not repeated.
  explicit text_stream(tokenizer const& words, std::span<std::int32_t const> before = {})
      : words_(&words), tokens_(before.begin(), before.end()), said_(tokens_.size()) {
    constexpr std::size_t context = 8;
    if (tokens_.size() > context) tokens_.erase(tokens_.begin(), tokens_.end() - context);
    said_ = tokens_.size();
  }

  /// What the text is longer by; empty while a character is not complete.
  std::string add(std::int32_t token) {
    tokens_.push_back(token);
    return next(false);
  }

  /// What was held back, at the end.
  std::string finish() { return next(true); }

 private:
  std::string next(bool all) {
    constexpr std::string_view incomplete = "\xEF\xBF\xBD";
    std::span<std::int32_t const> const tokens(tokens_);
    std::string const before = words_->decode(tokens.subspan(0, said_));
    std::string now = words_->decode(tokens);
    if (now.size() <= before.size() || (!all && now.ends_with(incomplete))) return {};
    std::string piece = now.substr(before.size());
    tokens_.erase(tokens_.begin(), tokens_.begin() + static_cast<std::ptrdiff_t>(said_));
    said_ = tokens_.size();
    return piece;
  }

  tokenizer const* words_;
  std::vector<std::int32_t> tokens_;  // the last few that were said, then those that were not
  std::size_t said_;
};

}  // namespace amq
