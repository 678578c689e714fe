// The phases of a search by the names that archives give them.
#pragma once

#include <optional>
#include <string_view>

#include "amq/core/configuration.hpp"

namespace amq::detail {

/// The inverse of to_string(phase); nothing for other names.
inline std::optional<phase> phase_named(std::string_view name) {
  for (auto const p : {phase::uniform, phase::sensitivity, phase::initial, phase::search})
    if (name == to_string(p)) return p;
  return std::nullopt;
}

}  // namespace amq::detail
