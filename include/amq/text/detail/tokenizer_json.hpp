// Reading the parts of a tokenizer.json: their types, their patterns, and the refusal of those that amq does not know.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "amq/core/error.hpp"
#include "amq/io/json.hpp"
#include "amq/text/detail/regular_expression.hpp"

namespace amq::detail {

/// One part of the file: `role` is its key there ("normalizer").
struct tokenizer_part {
  nlohmann::json const& json;
  std::string role;
  std::filesystem::path const& file;

  std::string type() const { return text("type"); }
  std::string text(std::string const& key) const { return json_value<std::string>(at(key), key, file); }
  bool flag(std::string const& key, bool otherwise) const { return get_or<bool>(json, key, otherwise, file); }
  nlohmann::json const& at(std::string const& key) const {
    if (!json.is_object() || !json.contains(key))
      throw input_error(printable_path(file) + ": " + role + " " + shown(json) + " lacks the key '" + key +
                        "'; expected an object that has it");
    return json.at(key);
  }

  [[noreturn]] void refuse(std::string const& what, std::string const& known) const {
    throw input_error(printable_path(file) + ": the " + role + " " + what + " is not known to amq; expected " + known);
  }
  [[noreturn]] void refuse_type(std::string const& known) const { refuse("'" + printable(type()) + "'", known); }
};

/// Calls visit(part) for the part itself, or for each of the list `key` where the part is a Sequence, in order; for
/// nothing where it is null. Sequences may be nested, eight deep.
inline void for_each_part(tokenizer_part const& part, std::string const& key,
                          std::function<void(tokenizer_part const&)> const& visit, int depth = 0) {
  if (part.json.is_null()) return;
  if (part.type() != "Sequence") return visit(part);
  if (depth == 8) part.refuse("Sequence, nested so deep,", "at most eight levels");
  auto const& list = part.at(key);
  if (!list.is_array()) refuse_value(part.file, key, list, "a list");
  for (auto const& inner : list) for_each_part({inner, part.role, part.file}, key, visit, depth + 1);
}

/// The member `pattern`: {"String": text} or {"Regex": expression}.
inline regular_expression read_pattern(tokenizer_part const& part) {
  auto const& pattern = part.at("pattern");
  std::string const where = printable_path(part.file) + ": the " + part.role + "'s expression";
  if (pattern.contains("String"))
    return regular_expression::literal(require<std::string>(pattern, "String", part.file), where);
  if (pattern.contains("Regex"))
    return regular_expression::oniguruma(require<std::string>(pattern, "Regex", part.file), where);
  refuse_value(part.file, "pattern", pattern, "an object with the key 'String' or 'Regex'");
}

}  // namespace amq::detail
