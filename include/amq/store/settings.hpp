// The settings of a search as an archive keeps them, and what differs between those and the ones asked for now.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace amq {

/// Ordered by key, so that everything made of it is reproducible.
using settings_map = std::map<std::string, std::string>;

/// Which settings a resumed search may change. All others must be as they were.
struct setting_rules {
  std::vector<std::string> free = {"evaluations", "seconds", "threads"};
  std::vector<std::string> warned = {"build", "machine", "version"};
};

/// Both empty when nothing differs; else lists such as `seed is 7 (wanted 8); loss is jsd (wanted kl)`, one line each
/// and at most 400 characters long.
struct settings_difference {
  std::string refused;
  std::string warned;
};

namespace detail {

/// At most 32 characters of `value`, from a little before position `at`, on one line.
inline std::string setting_excerpt(std::string_view value, std::size_t at) {
  constexpr std::size_t width = 26;
  std::size_t const start =
      value.size() <= width ? 0 : std::min(at - std::min<std::size_t>(at, 8), value.size() - width);
  std::string excerpt(value.substr(start, width));
  std::replace_if(
      excerpt.begin(), excerpt.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  if (start > 0) excerpt = "..." + excerpt;
  return start + width < value.size() ? excerpt + "..." : excerpt;
}

inline std::string describe_setting(std::string_view key, std::string const* stored, std::string const& wanted) {
  auto const name = setting_excerpt(key, 0);
  if (!stored) return name + " was not recorded (wanted " + setting_excerpt(wanted, 0) + ")";
  auto const shorter = std::min(stored->size(), wanted.size());
  auto const parting =
      std::mismatch(stored->begin(), stored->begin() + static_cast<std::ptrdiff_t>(shorter), wanted.begin());
  auto const at = static_cast<std::size_t>(parting.first - stored->begin());
  return name + " is " + setting_excerpt(*stored, at) + " (wanted " + setting_excerpt(wanted, at) + ")";
}

/// The first three, and how many more.
inline std::string join_differences(std::vector<std::string> const& differences) {
  std::string joined;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, differences.size()); ++i)
    joined.append(i ? "; " : "").append(differences[i]);
  if (differences.size() > 3) joined += "; and " + std::to_string(differences.size() - 3) + " more";
  return joined;
}

}  // namespace detail

/// Compares every key of `wanted` with what is stored; keys that only the archive knows are not compared.
inline settings_difference compare_settings(settings_map const& stored, settings_map const& wanted,
                                            setting_rules const& rules = {}) {
  auto const listed = [](std::vector<std::string> const& keys, std::string const& key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  std::vector<std::string> refused;
  std::vector<std::string> warned;
  for (auto const& [key, value] : wanted) {
    auto const found = stored.find(key);
    auto const* const before = found == stored.end() ? nullptr : &found->second;
    if (listed(rules.free, key) || (before && *before == value)) continue;
    (listed(rules.warned, key) ? warned : refused).push_back(detail::describe_setting(key, before, value));
  }
  return {detail::join_differences(refused), detail::join_differences(warned)};
}

}  // namespace amq
