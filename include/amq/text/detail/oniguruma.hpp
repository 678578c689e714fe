// Expressions as tokenizer files write them (Oniguruma, Ruby syntax) in PCRE2's spelling.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "amq/core/error.hpp"

namespace amq::detail {

/// Rewrites what both accept and understand differently, and refuses what cannot be rewritten: throws input_error,
/// whose sentence begins with `where`. White space and word characters are Unicode properties in Oniguruma; PCRE2's \s
/// also takes U+180E, and its \w leaves marks out.
class oniguruma_translation {
 public:
  oniguruma_translation(std::string_view pattern, std::string const& where) : pattern_(pattern), where_(where) {
    while (at_ < pattern_.size()) {
      if (pattern_[at_] == '\\')
        escape();
      else if (in_class_)
        class_member();
      else
        plain();
    }
  }

  std::string const& pcre2() const { return out_; }

 private:
  void escape() {
    char const kind = at_ + 1 < pattern_.size() ? pattern_[at_ + 1] : '\0';
    std::string const word = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
    at_ += 2;
    if (kind == 's') return append("\\p{White_Space}");
    if (kind == 'S') return append("\\P{White_Space}");
    if (kind == 'w') return append(in_class_ ? word : "[" + word + "]");
    if (kind == 'W' && !in_class_) return append("[^" + word + "]");
    if (kind == 'h' || kind == 'H' || kind == 'W') refuse(std::string("the escape \\") + kind);
    out_ += '\\';
    if (kind != '\0') out_ += kind;
  }

  void class_member() {
    if (next_is("[:")) return copy(2);
    if (next_is("[")) refuse("a set within a set");
    if (next_is("&&")) refuse("an intersection of sets");
    in_class_ = !next_is("]");
    copy(1);
  }

  void plain() {
    if (next_is("(?m") || next_is("(?im") || next_is("(?x") || next_is("(?ix")) refuse("the option m or x");
    if (!next_is("[")) return copy(1);
    in_class_ = true;
    copy(next_is("[^") ? 2 : 1);
    if (next_is("]")) copy(1);
  }

  bool next_is(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  void append(std::string const& text) { out_ += text; }
  void copy(std::size_t count) {
    out_ += pattern_.substr(at_, count);
    at_ += count;
  }
  [[noreturn]] void refuse(std::string const& what) const {
    throw input_error(where_ + " uses " + what + ", which amq does not know; expected an expression without it");
  }

  std::string_view pattern_;
  std::string const& where_;
  std::string out_;
  std::size_t at_ = 0;
  bool in_class_ = false;
};

}  // namespace amq::detail
