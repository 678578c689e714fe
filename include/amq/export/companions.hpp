// Everything a model's folder holds beside weights, and its config.json with a few entries of our own.
#pragma once

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <system_error>

#include "amq/core/error.hpp"
#include "amq/io/atomic_file.hpp"
#include "amq/io/json.hpp"

namespace amq {
namespace detail {

/// Everything a Hugging Face folder may hold beside weights: configuration, tokenizer, templates, licence. Formats of
/// weights that are not rewritten here must not be copied: they would still hold the unquantized model.
inline bool is_companion(std::filesystem::path const& file) {
  auto const extension = file.extension();
  return extension == ".json" || extension == ".txt" || extension == ".jinja" || extension == ".md" ||
         (extension == ".model" && file.stem().string().starts_with("token")) || file.stem() == "LICENSE";
}

/// Copies the companions of a folder but those in `except`. Throws input_error when the disk refuses.
inline void copy_companions(std::filesystem::path const& from, std::filesystem::path const& to,
                            std::initializer_list<std::string_view> except = {}) {
  for (auto const& found : std::filesystem::directory_iterator(from)) {
    if (!found.is_regular_file() || !is_companion(found.path())) continue;
    std::string const name = found.path().filename().string();
    if (name == "quantization.json" || std::find(except.begin(), except.end(), name) != except.end()) continue;
    std::error_code failure;
    std::filesystem::copy_file(found.path(), to / name, failure);
    if (failure) throw input_error((to / name).string() + " cannot be written: " + failure.message());
  }
}

/// Copies companions beside a single weight file: config.json with these entries set, in the order given, and no index
/// of shards.
inline void write_companions(std::filesystem::path const& from, std::filesystem::path const& to,
                             nlohmann::ordered_json const& entries) {
  copy_companions(from, to, {"config.json", "model.safetensors.index.json"});
  nlohmann::ordered_json config = load_json(from / "config.json");
  for (auto const& [key, value] : entries.items()) config[key] = value;
  write_file(to / "config.json", config.dump(2) + "\n");
}

}  // namespace detail
}  // namespace amq
