// What a tokenizer does to a text before it is cut: Prepend, Replace and Unicode's normal forms.
#pragma once

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/text/detail/regular_expression.hpp"
#include "amq/text/detail/tokenizer_json.hpp"

namespace amq::detail {

struct prepended_text {
  std::string text;
  void operator()(std::string& normalized) const {
    if (!normalized.empty()) normalized.insert(0, text);
  }
};

struct replaced_text {
  regular_expression pattern;
  std::string content;

  void operator()(std::string& normalized) const {
    std::string replaced;
    std::size_t done = 0;
    pattern.for_each_match(normalized, [&](std::size_t begin, std::size_t end) {
      replaced.append(normalized, done, begin - done).append(content);
      done = end;
    });
    normalized = replaced.append(normalized, done);
  }
};

/// Unicode Standard Annex 15, by utf8proc.
struct unicode_form {
  utf8proc_option_t options;

  void operator()(std::string& normalized) const {
    // Nothing below U+00A0 decomposes or composes; most texts are only that.
    auto const is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80u; };
    if (std::all_of(normalized.begin(), normalized.end(), is_ascii)) return;
    utf8proc_uint8_t* result = nullptr;
    auto const length = utf8proc_map(reinterpret_cast<utf8proc_uint8_t const*>(normalized.data()),
                                     static_cast<utf8proc_ssize_t>(normalized.size()), &result, options);
    std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> const owner(result, &std::free);
    if (length < 0) throw error(std::string("Unicode normalization failed: ") + utf8proc_errmsg(length));
    normalized.assign(reinterpret_cast<char const*>(result), static_cast<std::size_t>(length));
  }
};

/// All steps, in order. O(length) each.
class normalizer {
 public:
  normalizer() = default;
  explicit normalizer(tokenizer_part const& part) {
    for_each_part(part, "normalizers", [&](tokenizer_part const& inner) { steps_.push_back(read(inner)); });
  }

  std::string operator()(std::string_view text) const {
    std::string normalized(text);
    for (auto const& step : steps_) std::visit([&](auto const& apply) { apply(normalized); }, step);
    return normalized;
  }

 private:
  using any_step = std::variant<prepended_text, replaced_text, unicode_form>;

  static any_step read(tokenizer_part const& part) {
    std::string const type = part.type();
    auto const form = [](int options) { return unicode_form{static_cast<utf8proc_option_t>(options)}; };
    if (type == "Prepend") return prepended_text{part.text("prepend")};
    if (type == "Replace") return replaced_text{read_pattern(part), part.text("content")};
    if (type == "NFC") return form(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (type == "NFD") return form(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
    if (type == "NFKC") return form(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
    if (type == "NFKD") return form(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
    part.refuse_type("Sequence, Prepend, Replace, NFC, NFD, NFKC or NFKD");
  }

  std::vector<any_step> steps_;
};

}  // namespace amq::detail
