// The tokens after which a model has said all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "amq/io/detail/printable.hpp"
#include "amq/io/json.hpp"

namespace amq {

/// `eos_token_id` of generation_config.json, else of config.json: one id or a list. Empty where neither has one. Throws
/// input_error for a file that is malformed and for ids that are no whole numbers from 0 to 2^31 - 1.
inline std::vector<std::int32_t> load_stop_tokens(std::filesystem::path const& folder) {
  for (char const* name : {"generation_config.json", "config.json"}) {
    auto const file = folder / name;
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) continue;
    auto const json = load_json(file);
    auto const found = json.find("eos_token_id");
    if (found == json.end() || found->is_null()) continue;
    auto const id = [&](nlohmann::json const& value) {
      if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 0x7fffffffu)
        detail::refuse_value(file, "eos_token_id", value, "a token's id, or a list of them");
      return static_cast<std::int32_t>(value.get<std::uint64_t>());
    };
    std::vector<std::int32_t> ids;
    if (!found->is_array()) return {id(*found)};
    for (auto const& each : *found) ids.push_back(id(each));
    return ids;
  }
  return {};
}

}  // namespace amq
