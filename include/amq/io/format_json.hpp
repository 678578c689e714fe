// Formats in JSON: plain ones as bits and group, others by their spelling.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "amq/core/format.hpp"

namespace amq {

/// `{"bits": 3, "group": 128}`, or `{"format": "stack4"}` for formats of other kinds.
inline nlohmann::json format_json(format f) {
  format const plain{f.bits, f.group};
  if (f == plain) return {{"bits", f.bits}, {"group", f.group}};
  return {{"format", spelling(f)}};
}

/// The inverse of format_json. Throws nlohmann::json::exception for what it does not write.
inline format parse_format_json(nlohmann::json const& object) {
  if (!object.contains("format")) return {object.at("bits").get<int>(), object.at("group").get<int>()};
  return parse_format(object.at("format").get<std::string>()).value_or(format{0, 0});
}

}  // namespace amq
