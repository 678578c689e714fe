// The tensors of a Hugging Face folder by name: one safetensors file, or the shards that an index lists.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/json.hpp"
#include "amq/io/safetensors.hpp"
#include "amq/io/tensor.hpp"

namespace amq {

/// Read-only and mapped: opening costs the headers, not the data. `model.safetensors` goes before
/// `model.safetensors.index.json`, as in transformers. Throws input_error when neither is there, when the index names a
/// file or tensor that is not there, or when a file leaves the folder or is malformed. Move-only.
class checkpoint {
 public:
  explicit checkpoint(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(folder_, ignored))
      throw input_error(detail::printable_path(folder_) + " is not a folder; expected a Hugging Face model folder");
    auto const single = folder_ / "model.safetensors";
    auto const index_file = folder_ / "model.safetensors.index.json";
    if (std::filesystem::exists(single, ignored)) {
      open_single(single);
    } else if (std::filesystem::exists(index_file, ignored)) {
      open_shards(index_file);
    } else {
      throw input_error(detail::printable_path(folder_) +
                        " holds neither model.safetensors nor model.safetensors.index.json; expected one of them");
    }
  }

  std::filesystem::path const& folder() const { return folder_; }

  /// The files as opened, in order of their names; what a rewritten checkpoint repeats.
  std::span<safetensors_file const> files() const { return files_; }

  bool contains(std::string const& name) const { return places_.count(name) > 0; }

  /// All names, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (auto const& [name, where] : places_) all.push_back(name);
    return all;
  }

  /// O(log tensors). Throws input_error for a name that is not there.
  tensor_view const& tensor(std::string const& name) const {
    auto const [file, position] = find(name);
    return files_[file].tensors()[position];
  }

  /// The file that holds a tensor.
  std::filesystem::path const& file_of(std::string const& name) const { return files_[find(name).file].path(); }

 private:
  struct place {
    std::size_t file;
    std::size_t position;
  };

  place find(std::string const& name) const {
    auto const found = places_.find(name);
    if (found == places_.end())
      throw input_error(detail::printable_path(folder_) + " lacks the tensor '" + detail::printable(name) +
                        "'; the model's config.json asks for it");
    return found->second;
  }

  static std::map<std::string, std::size_t> positions(safetensors_file const& file) {
    std::map<std::string, std::size_t> all;
    for (std::size_t i = 0; i < file.tensors().size(); ++i) all[file.tensors()[i].name] = i;
    return all;
  }

  void open_single(std::filesystem::path const& path) {
    files_.emplace_back(path);
    for (auto const& [name, position] : positions(files_[0])) places_[name] = {0, position};
  }

  void open_shards(std::filesystem::path const& index_file) {
    auto const listed = read_index(index_file);
    std::map<std::string, std::vector<std::string>> shards;
    for (auto const& [tensor, shard] : listed) shards[shard].push_back(tensor);
    for (auto const& [shard, tensors] : shards) {
      auto const path = folder_ / shard;
      std::error_code ignored;
      if (!std::filesystem::exists(path, ignored))
        throw input_error(detail::printable_path(index_file) + " names the file '" + detail::printable(shard) +
                          "', which is not in the folder; expected every shard of the checkpoint");
      files_.emplace_back(path);
      auto const held = positions(files_.back());
      for (auto const& tensor : tensors) {
        auto const found = held.find(tensor);
        if (found == held.end())
          throw input_error(detail::printable_path(index_file) + " places the tensor '" + detail::printable(tensor) +
                            "' in " + detail::printable(shard) +
                            ", which does not hold it; the index and its shards must be of one "
                            "checkpoint");
        places_[tensor] = {files_.size() - 1, found->second};
      }
    }
  }

  static std::map<std::string, std::string> read_index(std::filesystem::path const& file) {
    auto const parsed = load_json(file);
    auto const found = parsed.find("weight_map");
    if (found == parsed.end() || !found->is_object() || found->empty())
      throw input_error(detail::printable_path(file) +
                        " has no list of tensors; expected 'weight_map', an object from tensor "
                        "names to file names");
    std::map<std::string, std::string> listed;
    for (auto const& [tensor, shard] : found->items()) {
      auto const name = detail::json_value<std::string>(shard, tensor, file);
      if (!stays_inside(name))
        throw input_error(detail::printable_path(file) + " names the file '" + detail::printable(name) +
                          "', which leaves the model's folder; expected a path inside it");
      listed[tensor] = name;
    }
    return listed;
  }

  static bool stays_inside(std::filesystem::path const& shard) {
    if (shard.empty() || shard.is_absolute()) return false;
    for (auto const& part : shard)
      if (part == "..") return false;
    return true;
  }

  std::filesystem::path folder_;
  std::vector<safetensors_file> files_;
  std::map<std::string, place> places_;
};

}  // namespace amq
