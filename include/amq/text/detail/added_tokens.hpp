// Tokens that are found in a text before anything else happens to it: special ones and those added later.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/text/detail/regular_expression.hpp"
#include "amq/text/detail/utf8.hpp"

namespace amq::detail {

struct added_token {
  std::int32_t id = 0;
  std::string content;
  std::string text;  ///< what is looked for: the content, normalized where `normalized`
  bool single_word = false;
  bool lstrip = false;
  bool rstrip = false;
  bool normalized = false;
  bool special = false;
};

inline std::size_t white_space_begins(std::string_view text, std::size_t end) {
  while (end > 0) {
    auto const before = read_scalar_before(text, end);
    if (!is_white_space(before.value)) break;
    end -= before.length;
  }
  return end;
}

inline std::size_t white_space_ends(std::string_view text, std::size_t begin) {
  while (begin < text.size()) {
    auto const next = read_scalar(text, begin);
    if (!is_white_space(next.value)) break;
    begin += next.length;
  }
  return begin;
}

/// Finds the tokens of a list: leftmost first, and the longest of those that begin at one place.
class added_token_finder {
 public:
  added_token_finder() = default;
  explicit added_token_finder(std::vector<added_token> tokens) : tokens_(std::move(tokens)) {
    std::erase_if(tokens_, [](added_token const& token) { return token.text.empty(); });
    std::stable_sort(tokens_.begin(), tokens_.end(),
                     [](auto const& a, auto const& b) { return a.text.size() > b.text.size(); });
    for (std::size_t i = 0; i < tokens_.size(); ++i) by_first_byte_[first_byte(tokens_[i].text, 0)].push_back(i);
  }

  /// Calls between(begin, end) for what lies between tokens, where not empty, and token(id) for each, in order.
  /// O(length x tokens that begin with the same byte).
  template <class Between, class Token>
  void split(std::string_view text, Between const& between, Token const& token) const {
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size();) {
      auto const* const found = longest_at(text, at);
      if (found == nullptr) {
        ++at;
        continue;
      }
      std::size_t begin = at;
      std::size_t end = at += found->text.size();
      if (found->single_word && touches_word(text, begin, end)) continue;
      if (found->lstrip) begin = std::max(white_space_begins(text, begin), done);
      if (found->rstrip) end = white_space_ends(text, end);
      if (done < begin) between(done, begin);
      token(found->id);
      done = end;
    }
    if (done < text.size()) between(done, text.size());
  }

 private:
  static std::size_t first_byte(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

  added_token const* longest_at(std::string_view text, std::size_t at) const {
    for (std::size_t const i : by_first_byte_[first_byte(text, at)])
      if (text.substr(at).starts_with(tokens_[i].text)) return &tokens_[i];
    return nullptr;
  }

  bool touches_word(std::string_view text, std::size_t begin, std::size_t end) const {
    return (begin > 0 && is_word(text, begin - read_scalar_before(text, begin).length)) ||
           (end < text.size() && is_word(text, end));
  }
  bool is_word(std::string_view text, std::size_t at) const {
    bool found = false;
    word_.for_each_match(text.substr(at, read_scalar(text, at).length),
                         [&](std::size_t, std::size_t) { found = true; });
    return found;
  }

  std::vector<added_token> tokens_;  ///< longest first
  std::array<std::vector<std::size_t>, 256> by_first_byte_;
  regular_expression word_ = regular_expression::oniguruma("[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]",
                                                           "the words of added tokens");
};

}  // namespace amq::detail
