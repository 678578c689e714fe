// Names from outside, made fit for an error message: one line, bounded length.
#pragma once

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "amq/config.hpp"

namespace amq::detail {

/// The text with control characters replaced by '?', cut to `limit` bytes (at a UTF-8 character's start) and "...".
inline std::string printable(std::string_view text, std::size_t limit = 80) {
  bool const cut = text.size() > limit;
  std::size_t kept = std::min(text.size(), limit);
  while (cut && kept > 0 && (static_cast<unsigned char>(text[kept]) & 0xc0u) == 0x80u) --kept;
  std::string shown(text.substr(0, kept));
  std::replace_if(
      shown.begin(), shown.end(), [](unsigned char c) { return std::iscntrl(c) != 0; }, '?');
  return cut ? shown + "..." : shown;
}

/// A path, shortened at its front: what distinguishes files is at the end.
inline std::string printable_path(std::filesystem::path const& path, std::size_t limit = 160) {
  std::string const text = path.string();
  if (text.size() <= limit) return printable(std::string_view(text), limit);
  return "..." + printable(std::string_view(text).substr(text.size() - limit), limit);
}

/// What the operating system says about an errno, as in "No space left on device".
inline std::string system_message(int code) { return std::generic_category().message(code); }

}  // namespace amq::detail
