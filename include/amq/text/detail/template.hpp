// Tokens that a post-processor puts before and after every text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "amq/text/bpe.hpp"
#include "amq/text/detail/tokenizer_json.hpp"

namespace amq::detail {

/// TemplateProcessing's template for a single text; ByteLevel's post-processor changes no ids.
class token_template {
 public:
  token_template() = default;
  explicit token_template(tokenizer_part const& part) {
    for_each_part(part, "processors", [&](tokenizer_part const& inner) {
      if (inner.type() == "TemplateProcessing") return read(inner);
      if (inner.type() != "ByteLevel") inner.refuse_type("Sequence, TemplateProcessing or ByteLevel");
    });
  }

  std::vector<std::int32_t> const& before() const { return before_; }
  std::vector<std::int32_t> const& after() const { return after_; }

 private:
  void read(tokenizer_part const& part) {
    std::vector<std::int32_t> before;
    bool text_seen = false;
    auto const& pieces = part.at("single");
    for (auto const& piece : pieces) {
      if (piece.is_object() && piece.contains("SpecialToken")) {
        auto const name = require<std::string>(piece.at("SpecialToken"), "id", part.file);
        auto const ids = special_ids(part, name);
        auto& side = text_seen ? after_ : before;
        side.insert(side.end(), ids.begin(), ids.end());
      } else if (piece.is_object() && piece.contains("Sequence") && !text_seen) {
        if (require<std::string>(piece.at("Sequence"), "id", part.file) != "A")
          refuse_value(part.file, "single", pieces, "the text A");
        text_seen = true;
      } else {
        refuse_value(part.file, "single", pieces, "special tokens around one text");
      }
    }
    if (!text_seen) refuse_value(part.file, "single", pieces, "special tokens around one text");
    before_.insert(before_.begin(), before.begin(), before.end());
  }

  static std::vector<std::int32_t> special_ids(tokenizer_part const& part, std::string const& name) {
    auto const& tokens = part.at("special_tokens");
    if (!tokens.is_object() || !tokens.contains(name))
      refuse_value(part.file, "special_tokens", tokens, "an entry for '" + printable(name) + "'");
    std::vector<std::int32_t> ids;
    for (auto const& id : tokenizer_part{tokens.at(name), "special token", part.file}.at("ids")) {
      auto const value = json_value<std::int32_t>(id, "ids", part.file);
      ids.push_back(expect_between<std::int32_t>(value, 0, bpe::greatest_id, "ids", part.file));
    }
    return ids;
  }

  std::vector<std::int32_t> before_;
  std::vector<std::int32_t> after_;
};

}  // namespace amq::detail
