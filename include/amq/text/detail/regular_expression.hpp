// Regular expressions over UTF-8, by PCRE2.
#pragma once

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8  // PCRE2 wants one to be named; the functions used here carry their width anyway
#endif
#include <pcre2.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "amq/core/error.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/text/detail/oniguruma.hpp"
#include "amq/text/detail/utf8.hpp"

namespace amq::detail {

/// A compiled expression; copies share it, and it may be used from several threads.
class regular_expression {
 public:
  /// `where` begins the sentence of a failure ("tokenizer.json: the pre_tokenizer's expression"). Throws input_error.
  static regular_expression oniguruma(std::string const& pattern, std::string const& where) {
    return {oniguruma_translation(pattern, where).pcre2(), PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C,
            where};
  }
  /// Matches the text itself.
  static regular_expression literal(std::string const& text, std::string const& where) {
    return {text, PCRE2_LITERAL, where};
  }

  /// Calls found(begin, end) for every match, leftmost first, none within another; empty matches are passed over.
  /// `text` must be valid UTF-8. Throws input_error where PCRE2 gives up (too much backtracking).
  template <class Found>
  void for_each_match(std::string_view text, Found const& found) const {
    std::unique_ptr<pcre2_match_data_8, free_match> const match(pcre2_match_data_create_8(1, nullptr));
    if (!match) throw error("out of memory while matching an expression");
    for (std::size_t at = 0; at < text.size();) {
      if (!next_match(text, at, match.get())) return;
      std::size_t const* const range = pcre2_get_ovector_pointer_8(match.get());
      std::size_t const begin = range[0];
      std::size_t const end = range[1];
      if (end > begin) found(begin, end);
      at = end > begin ? end : end + (end < text.size() ? read_scalar(text, end).length : 1);
    }
  }

 private:
  struct free_match {
    void operator()(pcre2_match_data_8* match) const noexcept { pcre2_match_data_free_8(match); }
  };
  struct free_context {
    void operator()(pcre2_compile_context_8* context) const noexcept { pcre2_compile_context_free_8(context); }
  };

  regular_expression(std::string const& pattern, std::uint32_t options, std::string const& where) : where_(where) {
    std::unique_ptr<pcre2_compile_context_8, free_context> const context(pcre2_compile_context_create_8(nullptr));
    if (!context || pcre2_set_newline_8(context.get(), PCRE2_NEWLINE_LF) != 0)
      throw error("out of memory while compiling an expression");
    int code = 0;
    std::size_t position = 0;
    auto* const compiled = pcre2_compile_8(reinterpret_cast<PCRE2_SPTR8>(pattern.data()), pattern.size(),
                                           PCRE2_UTF | options, &code, &position, context.get());
    if (compiled == nullptr)
      throw input_error(where + " '" + printable(pattern) + "' is not understood by PCRE2: " + message(code) +
                        " (at byte " + std::to_string(position) + "); expected a regular expression");
    expression_.reset(compiled, pcre2_code_free_8);
    // Where code cannot be generated, the interpreter runs instead, with the same matches.
    static_cast<void>(pcre2_jit_compile_8(compiled, PCRE2_JIT_COMPLETE));
  }

  bool next_match(std::string_view text, std::size_t at, pcre2_match_data_8* match) const {
    auto const run = [&](std::uint32_t options) {
      return pcre2_match_8(expression_.get(), reinterpret_cast<PCRE2_SPTR8>(text.data()), text.size(), at,
                           PCRE2_NO_UTF_CHECK | options, match, nullptr);
    };
    int code = run(0);
    if (code == PCRE2_ERROR_JIT_STACKLIMIT) code = run(PCRE2_NO_JIT);
    if (code == PCRE2_ERROR_NOMATCH) return false;
    if (code < 0)
      throw input_error(where_ + " gave up at byte " + std::to_string(at) + " of the text: " + message(code) +
                        "; expected a text and an expression that match with less backtracking");
    return true;
  }

  static std::string message(int code) {
    std::array<PCRE2_UCHAR8, 160> text{};
    pcre2_get_error_message_8(code, text.data(), text.size());
    return reinterpret_cast<char const*>(text.data());
  }

  std::shared_ptr<pcre2_code_8 const> expression_;
  std::string where_;
};

}  // namespace amq::detail
