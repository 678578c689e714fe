// The settings of a search by name, as its archive keeps them: written by search, read by deploy.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/simd/isa.hpp"
#include "amq/store/settings.hpp"
#include "amq/version.hpp"

namespace amq::cli {

/// The numbers in rising order, each once: 4,3,2 and 2,3,4 are the same widths.
inline std::string joined(std::vector<int> numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  std::string text;
  for (int const number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

/// As they were given; none of them holds a blank line.
inline std::string joined(std::vector<std::string> const& texts) {
  std::string text;
  for (auto const& each : texts) text += (text.empty() ? "" : "\n") + each;
  return text;
}

/// The inverse.
inline std::vector<std::string> separated(std::string const& text) {
  std::vector<std::string> texts;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) texts.push_back(line);
  return texts;
}

/// The processor's name, or what is known of it: the same bits are promised on one machine and build only.
inline std::string machine_name() {
  std::ifstream cpu("/proc/cpuinfo");
  for (std::string line; std::getline(cpu, line);)
    if (line.starts_with("model name"))
      return line.substr(line.find(':') + 2) + ", " + simd::to_string(simd::best_isa());
  return simd::to_string(simd::best_isa());
}

inline std::string build_name() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "gcc " __VERSION__;
#endif
}

/// A setting that must be there. Throws input_error: an archive without it was not made by `amq search`.
inline std::string const& setting(settings_map const& settings, std::string const& key,
                                  std::filesystem::path const& file) {
  auto const found = settings.find(key);
  if (found == settings.end())
    throw input_error(file.string() + " lacks the setting '" + key + "'; expected an archive made by `amq search`");
  return found->second;
}

/// A setting that archives made by older versions may lack.
inline std::string setting_or(settings_map const& settings, std::string const& key, std::string const& absent) {
  auto const found = settings.find(key);
  return found == settings.end() ? absent : found->second;
}

/// The same as a number.
inline std::int64_t integer_setting(settings_map const& settings, std::string const& key,
                                    std::filesystem::path const& file) {
  auto const& text = setting(settings, key, file);
  try {
    std::size_t used = 0;
    std::int64_t const value = std::stoll(text, &used);
    if (used == text.size()) return value;
  } catch (std::exception const&) {  // falls through to the sentence
  }
  throw input_error(file.string() + ": the setting '" + key + "' is '" + text + "'; expected an integer");
}

}  // namespace amq::cli
