// How a tokenizer cuts a text into the words that it encodes one by one: Split, Digits, Punctuation, ByteLevel,
// Metaspace.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "amq/text/detail/byte_alphabet.hpp"
#include "amq/text/detail/regular_expression.hpp"
#include "amq/text/detail/tokenizer_json.hpp"

namespace amq::detail {

enum class split_behavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// A run of bytes, and whether it is what was looked for.
struct text_span {
  std::size_t begin;
  std::size_t end;
  bool matched;
};

/// Matches and what lies between them, covering the whole text.
inline std::vector<text_span> spans_of(regular_expression const& pattern, std::string_view text) {
  std::vector<text_span> spans;
  std::size_t done = 0;
  pattern.for_each_match(text, [&](std::size_t begin, std::size_t end) {
    if (begin > done) spans.push_back({done, begin, false});
    spans.push_back({begin, end, true});
    done = end;
  });
  if (done < text.size()) spans.push_back({done, text.size(), false});
  return spans;
}

/// Joins neighbours as the behavior says; a lone match keeps to itself, and of two matches in a row one stays alone.
inline std::vector<text_span> joined_spans(std::vector<text_span> spans, split_behavior behavior) {
  bool const from_the_right = behavior == split_behavior::merged_with_next;
  if (from_the_right) std::reverse(spans.begin(), spans.end());
  std::vector<text_span> joined;
  bool previous = false;
  for (auto const& span : spans) {
    bool const joins = behavior == split_behavior::contiguous ? span.matched == previous : span.matched && !previous;
    previous = span.matched;
    if (!joins || joined.empty()) {
      joined.push_back(span);
      continue;
    }
    joined.back().begin = std::min(joined.back().begin, span.begin);
    joined.back().end = std::max(joined.back().end, span.end);
  }
  if (from_the_right) std::reverse(joined.begin(), joined.end());
  return joined;
}

/// Each step calls emit(piece, first) for its pieces in order; `first` marks the one at the text's beginning.
struct split_step {
  regular_expression pattern;
  split_behavior behavior;
  bool inverted = false;

  template <class Emit>
  void operator()(std::string_view text, bool first, Emit const& emit) const {
    auto spans = spans_of(pattern, text);
    if (inverted)
      for (auto& span : spans) span.matched = !span.matched;
    bool const joins = behavior != split_behavior::isolated && behavior != split_behavior::removed;
    if (joins) spans = joined_spans(std::move(spans), behavior);
    for (auto const& span : spans)
      if (!span.matched || behavior != split_behavior::removed)
        emit(text.substr(span.begin, span.end - span.begin), first && span.begin == 0);
  }
};

/// Writes the bytes in the alphabet of byte-level tokenizers.
struct byte_level_step {
  byte_alphabet alphabet;

  template <class Emit>
  void operator()(std::string_view text, bool first, Emit const& emit) const {
    std::string encoded;
    alphabet.append_encoded(text, encoded);
    emit(encoded, first);
  }
};

struct prefix_space_step {
  template <class Emit>
  void operator()(std::string_view text, bool first, Emit const& emit) const {
    if (text.starts_with(' ')) return emit(text, first);
    emit(std::string(" ").append(text), first);
  }
};

enum class prepend_scheme { never, first, always };

/// Blanks become the replacement, and one is put before the piece where the scheme says so.
struct metaspace_step {
  std::string replacement;
  prepend_scheme scheme;

  template <class Emit>
  void operator()(std::string_view text, bool first, Emit const& emit) const {
    std::string replaced;
    for (char const c : text) c == ' ' ? replaced += replacement : replaced += c;
    bool const wanted = scheme == prepend_scheme::always || (scheme == prepend_scheme::first && first);
    if (wanted && !replaced.starts_with(replacement)) replaced.insert(0, replacement);
    emit(replaced, first);
  }
};

/// All steps, in order.
class pre_tokenizer {
 public:
  pre_tokenizer() = default;
  explicit pre_tokenizer(tokenizer_part const& part) {
    for_each_part(part, "pretokenizers", [&](tokenizer_part const& inner) { read(inner); });
  }

  /// Calls word(piece) for every piece that is not empty. O(length) where the expressions are.
  template <class Word>
  void for_each_word(std::string_view text, bool first, Word const& word) const {
    apply(0, text, first, word);
  }

 private:
  using any_step = std::variant<split_step, byte_level_step, prefix_space_step, metaspace_step>;

  template <class Word>
  void apply(std::size_t next, std::string_view text, bool first, Word const& word) const {
    if (text.empty()) return;
    if (next == steps_.size()) return word(text);
    auto const pass_on = [&](std::string_view piece, bool is_first) { apply(next + 1, piece, is_first, word); };
    std::visit([&](auto const& cut) { cut(text, first, pass_on); }, steps_[next]);
  }

  void read(tokenizer_part const& part) {
    std::string const type = part.type();
    if (type == "ByteLevel") return read_byte_level(part);
    if (type == "Metaspace") return read_metaspace(part);
    if (type == "Split") {
      steps_.emplace_back(split_step{read_pattern(part), read_behavior(part, "Isolated"), part.flag("invert", false)});
    } else if (type == "Digits") {
      bool const single = part.flag("individual_digits", false);
      steps_.emplace_back(
          split_step{own_expression("\\p{N}", part), single ? split_behavior::isolated : split_behavior::contiguous});
    } else if (type == "Punctuation") {
      steps_.emplace_back(split_step{own_expression("[\\p{P}$+<=>^`|~]", part), read_behavior(part, "Isolated")});
    } else {
      part.refuse_type("Sequence, Split, Digits, Punctuation, ByteLevel or Metaspace");
    }
  }

  void read_byte_level(tokenizer_part const& part) {
    if (part.flag("add_prefix_space", true)) steps_.emplace_back(prefix_space_step{});
    if (part.flag("use_regex", true))
      steps_.emplace_back(split_step{own_expression(gpt2_words, part), split_behavior::isolated});
    steps_.emplace_back(byte_level_step{});
  }

  void read_metaspace(tokenizer_part const& part) {
    std::string const replacement = part.text("replacement");
    steps_.emplace_back(metaspace_step{replacement, read_scheme(part)});
    if (part.flag("split", true)) {
      auto const pattern = regular_expression::literal(replacement, printable_path(part.file) + ": Metaspace");
      steps_.emplace_back(split_step{pattern, split_behavior::merged_with_next});
    }
  }

  static prepend_scheme read_scheme(tokenizer_part const& part) {
    if (!part.flag("add_prefix_space", true)) return prepend_scheme::never;
    std::string const name = get_or<std::string>(part.json, "prepend_scheme", "always", part.file);
    if (name == "always") return prepend_scheme::always;
    if (name == "first") return prepend_scheme::first;
    if (name == "never") return prepend_scheme::never;
    refuse_value(part.file, "prepend_scheme", name, "always, first or never");
  }

  static split_behavior read_behavior(tokenizer_part const& part, std::string const& otherwise) {
    std::string const name = get_or<std::string>(part.json, "behavior", otherwise, part.file);
    if (name == "Removed") return split_behavior::removed;
    if (name == "Isolated") return split_behavior::isolated;
    if (name == "MergedWithPrevious") return split_behavior::merged_with_previous;
    if (name == "MergedWithNext") return split_behavior::merged_with_next;
    if (name == "Contiguous") return split_behavior::contiguous;
    refuse_value(part.file, "behavior", name, "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
  }

  static regular_expression own_expression(std::string const& pattern, tokenizer_part const& part) {
    return regular_expression::oniguruma(pattern, printable_path(part.file) + ": the " + part.role + "'s expression");
  }

  /// How GPT-2 cuts English: contractions, words, numbers and signs with the blank before them, and runs of white
  /// space.
  static constexpr char const* gpt2_words =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

  std::vector<any_step> steps_;
};

}  // namespace amq::detail
